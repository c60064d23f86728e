#include "common/contract/json.h"
#include "common/contract/guard.h"
#include "tests/contract/random_message.h"
#include "tests/contract/sample.pb-c.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct arena arena;
static struct why why;

static int set_up(void **state)
{
    (void)state;
    arena_init(&arena, 0);
    memset(&why, 0, sizeof why);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    arena_done(&arena);
    return 0;
}

static enum fault read_everything(const char *text, size_t size, ProtobufCMessage **out)
{
    memset(&why, 0, sizeof why);
    return json_read(contract_find_message("sample.Everything"), text, size, &arena, &why, out);
}

/* ---- What is read, and how it is written ---- */

static void json_is_read_in_every_way_and_written_in_one(void **state)
{
    (void)state;
    static const struct {
        const char *in, *out;
    } ROWS[] = {
        {"{}", "{}"},
        {" \t\r\n{ } ", "{}"},
        {"{\"oneInt32\":-7}", "{\"oneInt32\":-7}"},
        {"{\"one_int32\":\"-7\"}", "{\"oneInt32\":-7}"},
        {"{\"oneInt32\":7.0}", "{\"oneInt32\":7}"},
        {"{\"oneInt32\":1e2}", "{\"oneInt32\":100}"},
        {"{\"oneInt64\":9223372036854775807}", "{\"oneInt64\":\"9223372036854775807\"}"},
        {"{\"oneInt64\":\"-9223372036854775808\"}", "{\"oneInt64\":\"-9223372036854775808\"}"},
        {"{\"oneUint64\":18446744073709551615}", "{\"oneUint64\":\"18446744073709551615\"}"},
        {"{\"oneUint32\":4294967295}", "{\"oneUint32\":4294967295}"},
        {"{\"oneFixed64\":\"0\"}", "{\"oneFixed64\":\"0\"}"},
        {"{\"oneInt32\":-0}", "{\"oneInt32\":0}"},
        {"{\"oneDouble\":0.1}", "{\"oneDouble\":0.1}"},
        {"{\"oneDouble\":\"1.5e3\"}", "{\"oneDouble\":1500}"},
        {"{\"oneDouble\":\"NaN\"}", "{\"oneDouble\":\"NaN\"}"},
        {"{\"oneDouble\":\"-Infinity\"}", "{\"oneDouble\":\"-Infinity\"}"},
        {"{\"oneDouble\":-0.0}", "{\"oneDouble\":-0.0}"},
        {"{\"oneDouble\":3}", "{\"oneDouble\":3}"},
        {"{\"oneFloat\":0.1}", "{\"oneFloat\":0.1}"},
        {"{\"oneFloat\":16777217}", "{\"oneFloat\":16777216}"},
        {"{\"oneBool\":false}", "{\"oneBool\":false}"},
        {"{\"oneString\":\"\"}", "{\"oneString\":\"\"}"},
        {"{\"oneString\":\"a\\/\\u00e9\\ud83d\\ude00\\n\"}", "{\"oneString\":\"a/\xc3\xa9\xf0\x9f\x98\x80\\n\"}"},
        {"{\"oneBytes\":\"-_8\"}", "{\"oneBytes\":\"+/8=\"}"},
        {"{\"oneBytes\":\"+/8=\"}", "{\"oneBytes\":\"+/8=\"}"},
        {"{\"oneBytes\":\"\"}", "{\"oneBytes\":\"\"}"},
        {"{\"oneColour\":\"COLOUR_BLUE\"}", "{\"oneColour\":\"COLOUR_BLUE\"}"},
        {"{\"oneColour\":5}", "{\"oneColour\":\"COLOUR_BLUE\"}"},
        {"{\"oneColour\":0}", "{\"oneColour\":\"COLOUR_UNSPECIFIED\"}"},
        {"{\"onePart\":{\"leaf\":{\"name\":\"x\"}}}", "{\"onePart\":{\"leaf\":{\"name\":\"x\"}}}"},
        {"{\"onePart\":{}}", "{\"onePart\":{}}"},
        {"{\"onePart\":null,\"oneInt32\":null,\"manyInt32\":null}", "{}"},
        {"{\"manyInt32\":[]}", "{}"},
        {"{\"manyInt32\":[1,\"2\",3.0]}", "{\"manyInt32\":[1,2,3]}"},
        {"{\"manyPart\":[{},{\"name\":\"b\"}]}", "{\"manyPart\":[{},{\"name\":\"b\"}]}"},
        {"{\"manyBool\":[true,false]}", "{\"manyBool\":[true,false]}"},
        {"{\"choiceNumber\":\"4\"}", "{\"choiceNumber\":\"4\"}"},
        {"{\"choiceText\":\"\",\"choiceNumber\":null}", "{\"choiceText\":\"\"}"},
        {"{\"line2b\":\"x\"}", "{\"line2b\":\"x\"}"},
        {"{\"line_2b\":\"x\"}", "{\"line2b\":\"x\"}"},
        {"{\"oneStr\\u0069ng\":\"x\"}", "{\"oneString\":\"x\"}"},
    };
    for (size_t i = 0; i < sizeof ROWS / sizeof *ROWS; i++) {
        ProtobufCMessage *message = NULL;
        if (read_everything(ROWS[i].in, strlen(ROWS[i].in), &message) != FAULT_NONE) {
            fail_msg("%s: %s", ROWS[i].in, why.text);
        }
        assert_string_equal(json_write(message, JSON_LINE, &arena), ROWS[i].out);
    }
}

static void wrong_json_is_refused_with_its_place(void **state)
{
    (void)state;
    static const struct {
        const char *in, *sentence;
    } ROWS[] = {
        /* Text. */
        {"", "line 1, column 1: the text ends too early"},
        {"{", "line 1, column 2: the text ends too early"},
        {"{\"oneInt32\":1", "line 1, column 14: the text ends too early"},
        {"{\n  \"oneInt32\": 1,\n}", "line 3, column 1: a key in quotes is needed here"},
        {"{\"manyInt32\":[1,]}", "line 1, column 17: no value of JSON begins like this"},
        {"{\"oneInt32\" 1}", "line 1, column 13: a colon is needed behind a key"},
        {"{\"oneInt32\":1 \"oneInt64\":1}", "line 1, column 15: a comma or } is needed here"},
        {"{\"manyInt32\":[1 2]}", "line 1, column 17: a comma or ] is needed here"},
        {"{} x", "line 1, column 4: the value has ended, but the text goes on"},
        {"{'a':1}", "line 1, column 2: a key in quotes is needed here"},
        {"// no\n{}", "line 1, column 1: no value of JSON begins like this"},
        {"\xef\xbb\xbf{}", "line 1, column 1: no value of JSON begins like this"},
        {"{\"oneInt32\":01}", "line 1, column 13: a number does not begin with 0"},
        {"{\"oneInt32\":+1}", "line 1, column 13: no value of JSON begins like this"},
        {"{\"oneDouble\":1.}", "line 1, column 16: a number needs digits behind its point"},
        {"{\"oneDouble\":.5}", "line 1, column 14: no value of JSON begins like this"},
        {"{\"oneDouble\":1e}", "line 1, column 16: a number needs digits in its exponent"},
        {"{\"oneDouble\":-}", "line 1, column 15: a number needs digits"},
        {"{\"oneDouble\":NaN}", "line 1, column 14: no value of JSON begins like this"},
        {"{\"oneDouble\":Infinity}", "line 1, column 14: no value of JSON begins like this"},
        {"{\"oneDouble\":-Infinity}", "line 1, column 15: a number needs digits"},
        {"{\"oneBool\":True}", "line 1, column 12: no value of JSON begins like this"},
        {"{\"oneString\":\"a\tb\"}", "line 1, column 16: a control character inside a string must be escaped"},
        {"{\"oneString\":\"a", "line 1, column 14: this string does not end"},
        {"{\"oneString\":\"\\x\"}", "line 1, column 16: no such escape"},
        {"{\"oneString\":\"\\u12\"}", "line 1, column 15: \\u needs four hexadecimal digits"},
        {"{\"oneString\":\"\\u0000\"}", "line 1, column 15: a NUL character is not allowed"},
        {"{\"oneString\":\"\\ud800\"}", "line 1, column 15: half of a surrogate pair"},
        {"{\"oneString\":\"\\ude00\"}", "line 1, column 15: half of a surrogate pair"},
        {"{\"oneString\":\"\\ud800\\u0041\"}", "line 1, column 15: half of a surrogate pair"},
        {"{\"oneString\":\"\xc3\xa9\xff\"}", "line 1, column 16: the text is not UTF-8"},
        {"{\"oneInt32\":1,\n\"oneInt32\":2}", "line 2, column 1: a key is given twice: oneInt32"},
        {"{\"oneInt32\":1,\"one\\u0049nt32\":2}", "line 1, column 15: a key is given twice: oneInt32"},
        {"{\"onePart\":{\"name\":\"a\",\"leaf\":{},\"name\":\"b\"}}", "line 1, column 34: a key is given twice: name"},
        {"{\"oneUint64\":18446744073709551616}", "line 1, column 14: this whole number does not fit 64 bits"},
        {"{\"oneInt64\":-9223372036854775809}", "line 1, column 13: this whole number does not fit 64 bits"},
        /* Contract. */
        {"[]", "is not an object"},
        {"null", "is not an object"},
        {"7", "is not an object"},
        {"{\"oneint32\":1}", "oneint32: no such field in casebus.sample.v1.Everything"},
        {"{\"onePart\":{\"leaf\":{\"x\":1}}}", "onePart.leaf.x: no such field in casebus.sample.v1.Leaf"},
        {"{\"manyPart\":[{},{\"x\":null}]}", "manyPart[1].x: no such field in casebus.sample.v1.Part"},
        {"{\"one_int32\":1,\"oneInt32\":2}", "oneInt32: is given twice"},
        {"{\"choiceText\":\"a\",\"choiceNumber\":2}", "choiceNumber: is given twice"},
        {"{\"oneInt32\":2147483648}", "oneInt32: is out of range"},
        {"{\"oneInt32\":1.5}", "oneInt32: is not a whole number"},
        {"{\"oneInt32\":\"\"}", "oneInt32: is not a whole number"},
        {"{\"oneInt32\":\" 1\"}", "oneInt32: is not a whole number"},
        {"{\"oneInt32\":\"1x\"}", "oneInt32: is not a whole number"},
        {"{\"oneInt32\":true}", "oneInt32: is not a number"},
        {"{\"oneInt64\":1e300}", "oneInt64: is out of range"},
        {"{\"oneInt64\":9007199254740993.0}",
            "oneInt64: is out of range"}, /* As a double it would be another number. */
        {"{\"oneInt64\":1e16}", "oneInt64: is out of range"},
        {"{\"oneUint32\":-1}", "oneUint32: is out of range"},
        {"{\"oneUint64\":\"18446744073709551616\"}", "oneUint64: is not a whole number"},
        {"{\"oneDouble\":1e400}", "oneDouble: is out of range"},
        {"{\"oneDouble\":\"1e400\"}", "oneDouble: is out of range"},
        {"{\"oneDouble\":\"0x10\"}", "oneDouble: is not a number"},
        {"{\"oneDouble\":\"nan\"}", "oneDouble: is not a number"},
        {"{\"oneDouble\":true}", "oneDouble: is not a number"},
        {"{\"oneFloat\":1e39}", "oneFloat: is out of range"},
        {"{\"oneBool\":\"true\"}", "oneBool: is neither true nor false"},
        {"{\"oneBool\":1}", "oneBool: is neither true nor false"},
        {"{\"oneString\":1}", "oneString: is not a text"},
        {"{\"oneBytes\":\"AA=\"}", "oneBytes: is not base64"},
        {"{\"oneBytes\":\"A\"}", "oneBytes: is not base64"},
        {"{\"oneBytes\":\"+_AA\"}", "oneBytes: is not base64"},
        {"{\"oneBytes\":\"A A=\"}", "oneBytes: is not base64"},
        {"{\"oneBytes\":[1]}", "oneBytes: is not base64 text"},
        {"{\"oneColour\":\"colour_red\"}", "oneColour: is no value that the contract names"},
        {"{\"oneColour\":2}", "oneColour: is no value that the contract names"},
        {"{\"oneColour\":true}", "oneColour: is not a number"},
        {"{\"manyInt32\":1}", "manyInt32: is not a list"},
        {"{\"oneInt32\":[1]}", "oneInt32: is not a number"},
        {"{\"manyInt32\":[1,null]}", "manyInt32[1]: a list has no null in it"},
        {"{\"manyPart\":[{},[]]}", "manyPart[1]: is not an object"},
        {"{\"onePart\":\"x\"}", "onePart: is not an object"},
    };
    for (size_t i = 0; i < sizeof ROWS / sizeof *ROWS; i++) {
        ProtobufCMessage *message = NULL;
        enum fault fault = read_everything(ROWS[i].in, strlen(ROWS[i].in), &message);
        if (fault != FAULT_INVALID || strcmp(why.text, ROWS[i].sentence) != 0) {
            fail_msg("%s: %s \"%s\", not \"%s\"", ROWS[i].in, fault_word(fault), why.text, ROWS[i].sentence);
        }
    }
}

static void a_text_beyond_the_ceilings_is_refused(void **state)
{
    (void)state;
    static const struct json_limits SMALL = {.size = 40, .depth = 3, .values = 6};
    static const struct {
        const char *in, *sentence;
    } ROWS[] = {
        {"[[[1]]]", NULL},
        {"[[[[]]]]", "line 1, column 4: nested too deeply"},
        {"[1,2,3,4,5]", NULL},
        {"[1,2,3,4,5,6]", "line 1, column 12: the text has too many values"},
        {"\"12345678901234567890123456789012345678\"", NULL},
        {"\"123456789012345678901234567890123456789\"", "the text has 41 bytes, at most 40 are allowed"},
    };
    for (size_t i = 0; i < sizeof ROWS / sizeof *ROWS; i++) {
        enum fault fault = json_check(ROWS[i].in, strlen(ROWS[i].in), &SMALL, &arena, &why);
        assert_int_equal(fault, ROWS[i].sentence != NULL ? FAULT_INVALID : FAULT_NONE);
        if (ROWS[i].sentence != NULL) {
            assert_string_equal(why.text, ROWS[i].sentence);
        }
    }
}

static void a_long_list_of_empty_objects_does_not_take_the_memory(void **state)
{
    (void)state;
    size_t count = JSON_VALUES_MAX - 10;
    char *text = malloc(20 + 3 * count);
    assert_non_null(text);
    size_t size = (size_t)sprintf(text, "{\"manyPart\":[");
    for (size_t i = 0; i < count; i++) {
        memcpy(text + size, "{},", 3);
        size += 3;
    }
    memcpy(text + size - 1, "]}", 2);
    ProtobufCMessage *message = NULL;
    enum fault fault = read_everything(text, size + 1, &message);
    free(text);
    assert_true(arena.used_bytes <= JSON_MESSAGE_MAX + (1 << 20));
    assert_true(fault == FAULT_NONE || strstr(why.text, "too large") != NULL);
}

static void a_message_written_and_read_is_the_same(void **state)
{
    (void)state;
    struct dice dice = dice_from_environment();
    for (int i = 0; i < 500; i++) {
        ProtobufCMessage *message = random_message(&dice, &sample__everything__descriptor, 3, &arena);
        enum json_style style = i % 2 == 0 ? JSON_LINE : JSON_PRETTY;
        const char *text = json_write(message, style, &arena);
        ProtobufCMessage *back = NULL;
        if (read_everything(text, strlen(text), &back) != FAULT_NONE) {
            fail_msg("%s: %s", text, why.text);
        }
        struct packed there = contract_pack(message, &arena);
        struct packed again = contract_pack(back, &arena);
        assert_int_equal(there.size, again.size);
        assert_memory_equal(there.data, again.data, there.size);
        arena_reset(&arena);
    }
}

static void a_text_cut_at_any_byte_is_refused(void **state)
{
    (void)state;
    static const char TEXT[] =
        "{\"oneString\":\"a\\n\\u00e9\",\"manyPart\":[{\"name\":\"x\"},{}],\"oneDouble\":-1.5e+3,\"oneBool\":true}";
    for (size_t size = 0; size < sizeof TEXT - 1; size++) {
        char *exact = arena_memdup(&arena, TEXT, size);
        ProtobufCMessage *message = NULL;
        assert_int_equal(read_everything(exact, size, &message), FAULT_INVALID);
    }
}

static void numbers_keep_their_text_in_the_tree(void **state)
{
    (void)state;
    static const char TEXT[] = "[1.00,1.50e-3,9007199254740993]";
    struct json_object *tree = NULL;
    assert_int_equal(json_parse(TEXT, sizeof TEXT - 1, &JSON_LIMITS, &arena, &why, &tree), FAULT_NONE);
    assert_string_equal(json_object_to_json_string_ext(tree, JSON_C_TO_STRING_PLAIN), TEXT);
    json_object_put(tree);
    assert_int_equal(json_parse("7", 1, &JSON_LIMITS, &arena, &why, &tree), FAULT_NONE);
    assert_int_equal(json_object_get_int(tree), 7);
    json_object_put(tree);
}

/* ---- JSONTestSuite (beside the repository): y_ must be accepted, n_ refused, i_ survived ---- */

static size_t read_file(const char *path, char *out, size_t size)
{
    FILE *file = fopen(path, "rb");
    assert_non_null(file);
    size_t got = fread(out, 1, size, file);
    fclose(file);
    return got;
}

static void the_json_test_suite_is_answered_as_it_asks(void **state)
{
    (void)state;
    static char text[1 << 20];
    char folder[512];
    const char *shared = getenv("SUITE_SHARED");
    snprintf(folder, sizeof folder, "%s/data/badinput/jsontestsuite/test_parsing", shared != NULL ? shared : ".");
    DIR *files = opendir(folder);
    if (files == NULL) {
        print_message("%s is not here\n", folder);
        skip();
    }
    int asked = 0;
    for (struct dirent *entry = readdir(files); entry != NULL; entry = readdir(files)) {
        char path[1024];
        char first = entry->d_name[0];
        if (entry->d_name[1] != '_' || (first != 'y' && first != 'n' && first != 'i')) {
            continue;
        }
        snprintf(path, sizeof path, "%s/%s", folder, entry->d_name);
        size_t size = read_file(path, text, sizeof text);
        struct json_object *tree = NULL;
        memset(&why, 0, sizeof why);
        enum fault fault = json_parse(text, size, &JSON_LIMITS, &arena, &why, &tree);
        /* Ours are stricter in two things on purpose: a key twice, and NUL. */
        bool stricter = strstr(why.text, "given twice") != NULL || strstr(why.text, "NUL") != NULL;
        if ((first == 'y' && fault != FAULT_NONE && !stricter) || (first == 'n' && fault == FAULT_NONE)) {
            fail_msg("%s: %s %s", entry->d_name, fault_word(fault), why.text);
        }
        json_object_put(tree);
        asked++;
    }
    closedir(files);
    assert_in_range(asked, 100, 1000);
}

int main(void)
{
#define ROW(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        ROW(json_is_read_in_every_way_and_written_in_one),
        ROW(wrong_json_is_refused_with_its_place),
        ROW(a_text_beyond_the_ceilings_is_refused),
        ROW(a_long_list_of_empty_objects_does_not_take_the_memory),
        ROW(a_message_written_and_read_is_the_same),
        ROW(a_text_cut_at_any_byte_is_refused),
        ROW(numbers_keep_their_text_in_the_tree),
        ROW(the_json_test_suite_is_answered_as_it_asks),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
