#include "common/core/fault.h"

#include "common/core/must.h"
#include "common/core/slice.h"
#include "common/core/utf8.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

struct fault_row {
    const char *word;
    enum fault status;
    int http;
    bool again;
    const char *meaning;
};

static const struct fault_row FAULTS[FAULT_COUNT] = {
#define X(name, word, status, http, again, says) {word, FAULT_##status, http, again, says},
    FAULT_MAP(X)
#undef X
};

static const struct fault_row *row(enum fault fault)
{
    MUST((unsigned)fault < FAULT_COUNT);
    return &FAULTS[fault];
}

const char *fault_word(enum fault fault)
{
    return row(fault)->word;
}

bool fault_from_word(const char *word, enum fault *out)
{
    for (unsigned i = 0; i < FAULT_COUNT; i++) {
        if (i != FAULT_WANT && str_same(FAULTS[i].word, word)) {
            *out = (enum fault)i;
            return true;
        }
    }
    return false;
}

enum fault fault_status(enum fault fault)
{
    return row(fault)->status;
}

int fault_http(enum fault fault)
{
    return row(fault)->http;
}

bool fault_may_retry(enum fault fault)
{
    return row(fault)->again;
}

bool fault_is_refusal(enum fault fault)
{
    return row(fault)->status == FAULT_REFUSED;
}

const char *fault_meaning(enum fault fault)
{
    return row(fault)->meaning;
}

/* What a stranger sent ends up in sentences: nothing of it may start a new line or speak to the terminal. */
static void make_one_line(char *text, size_t size)
{
    const char *end = text + size;
    while (text < end) {
        const char *next = text;
        uint32_t point = 0;
        if (!utf8_next(&next, end, &point)) {
            *text++ = '?';
            continue;
        }
        size_t point_size = (size_t)(next - text);
        if (point < 0x20 || (point >= 0x7f && point < 0xa0)) {
            memset(text, '?', point_size);
        }
        text += point_size;
    }
}

void why_set(struct why *why, const char *format, ...)
{
    if (why == NULL) {
        return;
    }
    /* Room for the rest of a code point that the limit parts, so that it can be cut before it. */
    char text[WHY_SIZE + UTF8_SIZE_MAX];
    va_list args;
    va_start(args, format);
    int wanted = vsnprintf(text, sizeof text, format, args);
    va_end(args);
    MUST(wanted >= 0);

    size_t size = utf8_cut(text, strlen(text), WHY_SIZE - 1);
    make_one_line(text, size);
    memcpy(why->text, text, size);
    why->text[size] = '\0';
}
