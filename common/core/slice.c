#include "common/core/slice.h"

#include <string.h>

struct slice slice_of(const char *text)
{
    return text == NULL ? SLICE("") : (struct slice){text, strlen(text)};
}

static bool same_bytes(const char *a, const char *b, size_t size)
{
    return size == 0 || memcmp(a, b, size) == 0;
}

bool slice_equal(struct slice a, struct slice b)
{
    return a.size == b.size && same_bytes(a.at, b.at, a.size);
}

int slice_compare(struct slice a, struct slice b)
{
    size_t common = a.size < b.size ? a.size : b.size;
    int order = common == 0 ? 0 : memcmp(a.at, b.at, common);
    return order != 0 ? order : (a.size > b.size) - (a.size < b.size);
}

bool slice_starts_with(struct slice text, struct slice prefix)
{
    return text.size >= prefix.size && same_bytes(text.at, prefix.at, prefix.size);
}

bool slice_ends_with(struct slice text, struct slice suffix)
{
    return text.size >= suffix.size && same_bytes(text.at + text.size - suffix.size, suffix.at, suffix.size);
}

struct slice slice_trim(struct slice text)
{
    while (text.size > 0 && ascii_is_space(text.at[0])) {
        text.at++;
        text.size--;
    }
    while (text.size > 0 && ascii_is_space(text.at[text.size - 1])) {
        text.size--;
    }
    return text;
}

bool slice_take_field(struct slice *rest, char separator, struct slice *out)
{
    if (rest->at == NULL) {
        return false;
    }
    const char *end = rest->size == 0 ? NULL : memchr(rest->at, separator, rest->size);
    if (end == NULL) {
        *out = *rest;
        *rest = (struct slice){NULL, 0};
        return true;
    }
    size_t size = (size_t)(end - rest->at);
    *out = (struct slice){rest->at, size};
    *rest = (struct slice){end + 1, rest->size - size - 1};
    return true;
}

bool slice_parse_uint(struct slice text, uint64_t max, uint64_t *out)
{
    uint64_t value = 0;
    for (size_t i = 0; i < text.size; i++) {
        if (!ascii_is_digit(text.at[i])) {
            return false;
        }
        if (__builtin_mul_overflow(value, 10, &value) || __builtin_add_overflow(value, text.at[i] - '0', &value)) {
            return false;
        }
    }
    if (text.size == 0 || value > max) {
        return false;
    }
    *out = value;
    return true;
}

bool str_is_empty(const char *text)
{
    return text == NULL || text[0] == '\0';
}

bool str_same(const char *a, const char *b)
{
    return slice_equal(slice_of(a), slice_of(b));
}

bool str_same_ignoring_case(const char *a, const char *b)
{
    struct slice left = slice_of(a);
    struct slice right = slice_of(b);
    if (left.size != right.size) {
        return false;
    }
    for (size_t i = 0; i < left.size; i++) {
        if (ascii_lower(left.at[i]) != ascii_lower(right.at[i])) {
            return false;
        }
    }
    return true;
}

int str_compare(const char *a, const char *b)
{
    return slice_compare(slice_of(a), slice_of(b));
}

bool str_starts_with(const char *text, const char *prefix)
{
    return slice_starts_with(slice_of(text), slice_of(prefix));
}

bool str_ends_with(const char *text, const char *suffix)
{
    return slice_ends_with(slice_of(text), slice_of(suffix));
}

bool ascii_is_digit(char c)
{
    return c >= '0' && c <= '9';
}

bool ascii_is_letter(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

bool ascii_is_space(char c)
{
    return c == ' ' || (c >= '\t' && c <= '\r');
}

char ascii_lower(char c)
{
    return c >= 'A' && c <= 'Z' ? (char)(c + ('a' - 'A')) : c;
}

char ascii_upper(char c)
{
    return c >= 'a' && c <= 'z' ? (char)(c - ('a' - 'A')) : c;
}

void ascii_lower_all(char *text)
{
    for (; *text != '\0'; text++) {
        *text = ascii_lower(*text);
    }
}

void ascii_upper_all(char *text)
{
    for (; *text != '\0'; text++) {
        *text = ascii_upper(*text);
    }
}
