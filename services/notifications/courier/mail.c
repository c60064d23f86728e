#include "services/notifications/courier/courier.h"

#include <sodium.h>
#include <stdio.h>
#include <string.h>

#include "common/core/hash.h"
#include "common/core/id.h"
#include "common/core/instant.h"
#include "common/core/text.h"

bool mail_address_is_sane(const char *address)
{
    size_t ats = 0;
    size_t size = 0;
    for (const char *c = address; c && *c != '\0'; c++, size++) {
        bool plain = *c > ' ' && *c < 0x7f && !strchr("<>,;:\"\\()[]", *c);
        if (!plain) {
            return false;
        }
        ats += *c == '@';
    }
    return ats == 1 && size >= 3 && size <= 254 && address[0] != '@' && address[size - 1] != '@';
}

/* Encoded words of RFC 2047, each a whole number of code points and at most 75 characters; one line each, folded. */
static void add_words(struct text *out, const char *text)
{
    enum { PIECE_MAX = 39 }; /* octets: 52 characters of base64 */
    bool first = true;
    while (*text != '\0') {
        size_t size = 0;
        for (size_t i = 1; i <= PIECE_MAX && size + 1 <= strlen(text); i++) {
            if (((unsigned char)text[i] & 0xc0) != 0x80) {
                size = i;
            }
            if (text[i] == '\0') {
                break;
            }
        }
        char coded[sodium_base64_ENCODED_LEN(PIECE_MAX, sodium_base64_VARIANT_ORIGINAL)];
        sodium_bin2base64(coded, sizeof coded, (const unsigned char *)text, size, sodium_base64_VARIANT_ORIGINAL);
        text_addf(out, "%s=?UTF-8?B?%s?=", first ? "" : "\r\n ", coded);
        first = false;
        text += size;
    }
}

static void add_body(struct text *out, const char *body, struct arena *arena)
{
    size_t size = strlen(body);
    size_t room = sodium_base64_ENCODED_LEN(size, sodium_base64_VARIANT_ORIGINAL);
    char *coded = arena_alloc(arena, room);
    sodium_bin2base64(coded, room, (const unsigned char *)body, size, sodium_base64_VARIANT_ORIGINAL);
    for (size_t at = 0, all = strlen(coded); at < all; at += MAIL_LINE_MAX) {
        text_addf(out, "%.*s\r\n", MAIL_LINE_MAX, coded + at);
    }
}

/* "Sun, 22 Nov 2026 03:00:00 +0000" */
static void add_date(struct text *out, int64_t at_ms)
{
    static const char *const DAYS[] = {"", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"};
    static const char *const MONTHS[] = {
        "", "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
    struct date date = instant_utc_date(at_ms);
    int second = (int)((at_ms - instant_from_utc_date(date)) / SECOND_MS);
    text_addf(out, "Date: %s, %02d %s %04d %02d:%02d:%02d +0000\r\n", DAYS[date_weekday(date)], date.day,
        MONTHS[date.month], date.year, second / 3600, second / 60 % 60, second % 60);
}

/* Made of the notice's id, so that a mail server recognises a repetition. */
static void add_message_id(struct text *out, const struct mail_head *head, const char *message_id)
{
    uint8_t digest[HASH_SIZE];
    char id[ID_FRESH_SIZE];
    hash_bytes(digest, message_id, strlen(message_id));
    id_spell(id, digest);
    text_addf(out, "Message-ID: <%s@%s>\r\n", id, head->domain);
}

const char *mail_write(
    const struct mail_head *head, const Notifications__SendQuestion *question, struct arena *arena, size_t *out_size)
{
    if (!mail_address_is_sane(question->to) || !mail_address_is_sane(head->from)) {
        return NULL;
    }
    struct text out;
    text_init(&out, MAIL_BYTES_MAX);
    add_date(&out, head->at_ms);
    add_message_id(&out, head, question->message_id);
    text_add(&out, "From: ");
    add_words(&out, head->from_name);
    text_addf(&out, " <%s>\r\nTo: <%s>\r\nSubject: ", head->from, question->to);
    add_words(&out, question->subject ? question->subject : "");
    text_addf(&out,
        "\r\nMIME-Version: 1.0\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: base64\r\n"
        "Content-Language: %s\r\nAuto-Submitted: auto-generated\r\n\r\n",
        question->language ? question->language : "en");
    add_body(&out, question->body, arena);
    const char *text = out.overflowed ? NULL : arena_memdup(arena, out.at, out.size + 1);
    *out_size = out.size;
    text_done(&out);
    return text;
}
