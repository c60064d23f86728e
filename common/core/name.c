#include "common/core/name.h"

#include "common/core/must.h"
#include "common/core/slice.h"
#include "common/core/utf8.h"

#include <stdint.h>
#include <string.h>

/* What a letter of Latin script is without its accents, one character per code point: its plain capital, '*' for two
 * letters (see PAIRS), '-' for no letter, '.' for a letter that has no plain form and stays as it is. */
struct block {
    uint32_t first;
    uint32_t count;
    const char *plain;
};

/* clang-format off */
static const char LATIN_1_TO_EXTENDED_B[] =
    "AAAAAA*CEEEEIIIIDNOOOOO-OUUUUY**AAAAAA*CEEEEIIIIDNOOOOO-OUUUUY*Y"
    "AAAAAACCCCCCCCDDDDEEEEEEEEEEGGGGGGGGHHHHIIIIIIIIII**JJKKKLLLLLLL"
    "LLLNNNNNNNNNOOOOOO**RRRRRRSSSSSSSSTTTTTTUUUUUUUUUUUUWWYYYZZZZZZS"
    "BBBB...CCDDDD....FFG...IKKL..NNOOO..PP.....TTTTUU.VYYZZ........."
    "....*********AAIIOOUUUUUUUUUU.AAAA**GGGGKKOOOO..J***GG..NNAA**OO"
    "AAAAEEEEIIIIOOOORRRRUUUUSSTT..HHND..ZZAAEEOOOOOOOOYYLNT...ACCLTS"
    "Z..B..EEJJ.QRRYY";

static const char LATIN_EXTENDED_ADDITIONAL[] =
    "AABBBBBBCCDDDDDDDDDDEEEEEEEEEEFFGGHHHHHHHHHHIIIIKKKKKKLLLLLLLLMM"
    "MMMMNNNNNNNNOOOOOOOOPPPPRRRRRRRRSSSSSSSSSSTTTTTTTTUUUUUUUUUUVVVV"
    "WWWWWWWWWWXXXXYYZZZZZZHTWYASSS*.AAAAAAAAAAAAAAAAAAAAAAAAEEEEEEEE"
    "EEEEEEEEIIIIOOOOOOOOOOOOOOOOOOOOOOOOUUUUUUUUUUUUUUYYYYYYYY....YY";
/* clang-format on */

static const struct block BLOCKS[] = {
    {0x00c0, sizeof LATIN_1_TO_EXTENDED_B - 1, LATIN_1_TO_EXTENDED_B},
    {0x1e00, sizeof LATIN_EXTENDED_ADDITIONAL - 1, LATIN_EXTENDED_ADDITIONAL},
};

static const struct {
    uint32_t point;
    char letters[3];
} PAIRS[] = {
    {0x00c6, "AE"},
    {0x00de, "TH"},
    {0x00df, "SS"},
    {0x00e6, "AE"},
    {0x00fe, "TH"},
    {0x0132, "IJ"},
    {0x0133, "IJ"},
    {0x0152, "OE"},
    {0x0153, "OE"},
    {0x01c4, "DZ"},
    {0x01c5, "DZ"},
    {0x01c6, "DZ"},
    {0x01c7, "LJ"},
    {0x01c8, "LJ"},
    {0x01c9, "LJ"},
    {0x01ca, "NJ"},
    {0x01cb, "NJ"},
    {0x01cc, "NJ"},
    {0x01e2, "AE"},
    {0x01e3, "AE"},
    {0x01f1, "DZ"},
    {0x01f2, "DZ"},
    {0x01f3, "DZ"},
    {0x01fc, "AE"},
    {0x01fd, "AE"},
    {0x1e9e, "SS"},
};

struct range {
    uint32_t first;
    uint32_t last;
};

/* No letters: signs of Latin 1, modifiers and combining accents, punctuation, symbols, private and invisible ones. */
static const struct range DROPPED[] = {
    {0x0000, 0x0040},
    {0x005b, 0x0060},
    {0x007b, 0x00bf},
    {0x02b0, 0x036f},
    {0x1ab0, 0x1aff},
    {0x1dc0, 0x1dff},
    {0x2000, 0x2bff},
    {0x3000, 0x3004},
    {0x3008, 0x3020},
    {0xe000, 0xf8ff},
    {0xfe00, 0xfe2f},
    {0xfeff, 0xfeff},
    {0xfff0, 0xffff},
    {0x1f000, 0x1faff},
    {0xe0000, 0x10ffff},
};

/* Small letters of Greek and Cyrillic, and how far below them their capitals stand. */
static const struct {
    struct range small;
    uint32_t distance;
} CAPITALS[] = {
    {{0x03b1, 0x03c1}, 0x20},
    {{0x03c2, 0x03c2}, 0x1f}, /* the sigma at the end of a word */
    {{0x03c3, 0x03c9}, 0x20},
    {{0x0430, 0x044f}, 0x20},
    {{0x0450, 0x045f}, 0x50},
};

static bool within(uint32_t point, struct range range)
{
    return point >= range.first && point <= range.last;
}

static bool is_dropped(uint32_t point)
{
    for (size_t i = 0; i < ARRAY_LENGTH(DROPPED); i++) {
        if (within(point, DROPPED[i])) {
            return true;
        }
    }
    return false;
}

static char plain_of(uint32_t point)
{
    if (point < 0x80) {
        return ascii_is_letter((char)point) ? ascii_upper((char)point) : '-';
    }
    for (size_t i = 0; i < ARRAY_LENGTH(BLOCKS); i++) {
        if (point >= BLOCKS[i].first && point - BLOCKS[i].first < BLOCKS[i].count) {
            return BLOCKS[i].plain[point - BLOCKS[i].first];
        }
    }
    return is_dropped(point) ? '-' : '.';
}

static const char *pair_of(uint32_t point)
{
    for (size_t i = 0; i < ARRAY_LENGTH(PAIRS); i++) {
        if (PAIRS[i].point == point) {
            return PAIRS[i].letters;
        }
    }
    MUST_NOT_REACH();
}

static uint32_t capital_of(uint32_t point)
{
    for (size_t i = 0; i < ARRAY_LENGTH(CAPITALS); i++) {
        if (within(point, CAPITALS[i].small)) {
            return point - CAPITALS[i].distance;
        }
    }
    return point;
}

/* Writes what the code point folds to, and returns its size. */
static size_t fold_point(char out[static UTF8_SIZE_MAX], uint32_t point)
{
    char plain = plain_of(point);
    switch (plain) {
    case '-':
        return 0;
    case '.':
        return utf8_put(out, capital_of(point));
    case '*':
        memcpy(out, pair_of(point), 2);
        return 2;
    default:
        out[0] = plain;
        return 1;
    }
}

bool name_fold(char out[static NAME_SIZE], const char *name)
{
    struct slice rest = slice_of(name);
    const char *end = rest.at + rest.size;
    size_t size = 0;
    uint32_t point;
    out[0] = '\0';
    if (!utf8_is_valid(rest.at, rest.size)) {
        return false;
    }
    for (int i = 0; i < NAME_LETTERS_MAX && utf8_next(&rest.at, end, &point);) {
        size_t step = fold_point(out + size, point);
        size += step;
        i += step > 0;
    }
    out[size] = '\0';
    return size > 0;
}

struct letters {
    uint32_t at[NAME_LETTERS_MAX];
    bool matched[NAME_LETTERS_MAX];
    int count;
};

static void letters_of(struct letters *letters, const char *name)
{
    *letters = (struct letters){0};
    const char *end = name + strlen(name);
    while (letters->count < NAME_LETTERS_MAX && utf8_next(&name, end, &letters->at[letters->count])) {
        letters->count++;
    }
}

/* Pairs equal letters that stand near each other, each at most once, and returns how many pairs there are. */
static int match(struct letters *a, struct letters *b)
{
    int longer = a->count > b->count ? a->count : b->count;
    int reach = longer / 2 > 1 ? longer / 2 - 1 : 0;
    int matches = 0;
    for (int i = 0; i < a->count; i++) {
        int from = i > reach ? i - reach : 0;
        for (int j = from; j < b->count && j <= i + reach; j++) {
            if (!b->matched[j] && a->at[i] == b->at[j]) {
                a->matched[i] = b->matched[j] = true;
                matches++;
                break;
            }
        }
    }
    return matches;
}

/* Of the matched letters, how many stand in another order, in pairs. */
static int transpositions(const struct letters *a, const struct letters *b)
{
    int moved = 0;
    for (int i = 0, j = 0; i < a->count; i++) {
        if (!a->matched[i]) {
            continue;
        }
        while (!b->matched[j]) {
            j++;
        }
        moved += a->at[i] != b->at[j++];
    }
    return moved / 2;
}

static int common_prefix(const struct letters *a, const struct letters *b)
{
    int length = 0;
    while (length < 4 && length < a->count && length < b->count && a->at[length] == b->at[length]) {
        length++;
    }
    return length;
}

int name_likeness(const char *a, const char *b)
{
    struct letters left, right;
    letters_of(&left, a);
    letters_of(&right, b);
    int64_t matches = match(&left, &right);
    if (matches == 0) {
        return 0;
    }
    /* Jaro is the mean of three shares: likeness / whole, kept as a fraction until the end. */
    int64_t in_order = matches - transpositions(&left, &right);
    int64_t product = (int64_t)left.count * right.count;
    int64_t whole = 3 * product * matches;
    int64_t likeness = matches * matches * (left.count + right.count) + in_order * product;
    int64_t boosted = 10 * likeness + common_prefix(&left, &right) * (whole - likeness);
    return (int)((20000 * boosted + 10 * whole) / (20 * whole));
}
