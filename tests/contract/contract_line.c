#include "common/contract/json.h"
#include "common/contract/line.h"
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
        cmocka_unit_test(an_enum_value_loses_the_name_of_its_enum),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
