#include "common/contract/json.h"
#include "common/contract/line.h"
#include "common/core/utf8.h"
#include "tests/contract/sample.pb-c.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <string.h>

static void an_event_reads_as_a_sentence(void **state)
{
    (void)state;
    static const struct {
        const char *message, *json, *sentence;
    } ROWS[] = {
        {"sample.ThingMade", "{\"thingId\":\"t-1\"}", "thing t-1 made"},
        {"sample.ThingMade", "{\"thingId\":\"t-1\",\"note\":\"\"}", "thing t-1 made"},
        {"sample.ThingMade", "{\"thingId\":\"t-1\",\"note\":\"a\\nb\"}", "thing t-1 made: a b"},
        {"sample.ThingMade", "{\"thingId\":\"t-1\",\"note\":\"a\\u009b\\u007fb\"}", "thing t-1 made: a  b"},
        {"sample.ThingMade", "{\"thingId\":\"{note}\",\"note\":\"{\"}", "thing {note} made: {"},
        {"sample.ThingTold", "{}", ":  x , "},
        {"sample.ThingTold",
            "{\"name\":\"Ana\",\"colours\":[\"COLOUR_RED\",\"COLOUR_BLUE\"],\"priceCents\":-1250,\"count\":3,\"done\":"
            "true,\"left\":0}",
            "told Ana in red, blue: -$12.50 x 3, yes!"},
        {"sample.Leaf", "{}", ""},
    };
    for (size_t i = 0; i < sizeof ROWS / sizeof *ROWS; i++) {
        struct arena arena;
        struct why why;
        ProtobufCMessage *event = NULL;
        arena_init(&arena, 0);
        const struct contract_message *type = contract_find_message(ROWS[i].message);
        assert_int_equal(json_read(type, ROWS[i].json, strlen(ROWS[i].json), &arena, &why, &event), FAULT_NONE);
        assert_string_equal(line_write(event, &arena), ROWS[i].sentence);
        arena_done(&arena);
    }
}

static void a_long_line_ends_behind_a_whole_letter(void **state)
{
    (void)state;
    static const char *const LETTERS[] = {"a", "é", "李", "😀"};
    static char text[5000];
    for (size_t i = 0; i < sizeof LETTERS / sizeof *LETTERS; i++) {
        struct arena arena;
        Sample__ThingMade made = SAMPLE__THING_MADE__INIT;
        arena_init(&arena, 0);
        text[0] = '\0';
        for (size_t size = 0; size + 8 < sizeof text; size += strlen(LETTERS[i])) {
            strcpy(text + size, LETTERS[i]);
        }
        made.thing_id = (char *)"t";
        made.note = text;
        const char *line = line_write(&made.base, &arena);
        size_t size = strlen(line);
        assert_true(utf8_is_valid(line, size));
        assert_true(size <= LINE_SIZE_MAX && size + 2 * strlen(LETTERS[i]) > LINE_SIZE_MAX);
        arena_done(&arena);
    }
}

static void an_enum_value_loses_the_name_of_its_enum(void **state)
{
    (void)state;
    char words[WORDS_SIZE];
    assert_string_equal(enum_words(&sample__colour__descriptor, SAMPLE__COLOUR__COLOUR_RED, words), "red");
    assert_string_equal(enum_words(&sample__colour__descriptor, 0, words), "unspecified");
    assert_string_equal(enum_words(&sample__colour__descriptor, 77, words), "77");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_event_reads_as_a_sentence),
        cmocka_unit_test(a_long_line_ends_behind_a_whole_letter),
        cmocka_unit_test(an_enum_value_loses_the_name_of_its_enum),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
