#include "common/contract/contract.h"
#include "proto/options.pb-c.h"
#include "tests/contract/sample.pb-c.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <string.h>

static void a_message_is_found_by_its_three_names(void **state)
{
    (void)state;
    const struct contract_message *thing = contract_find_message("casebus.sample.v1.SmallThing");
    assert_non_null(thing);
    assert_ptr_equal(thing->descriptor, &sample__small_thing__descriptor);
    assert_ptr_equal(thing, contract_find_message("sample.SmallThing"));
    assert_ptr_equal(thing, contract_find_message("Sample__SmallThing"));
    assert_ptr_equal(thing, contract_of(&sample__small_thing__descriptor));
    assert_null(contract_find_message("sample.smallThing"));
    assert_null(contract_find_message(""));
    assert_null(contract_find_message("zzz"));
    assert_non_null(contract_find_message("casebus.Rule"));
}

static void a_comment_becomes_one_line(void **state)
{
    (void)state;
    const struct contract_message *thing = contract_find_message("sample.SmallThing");
    assert_string_equal(thing->comment, "A thing of the sample. Its second line.");
    assert_string_equal(thing->fields[1].name, "root_id");
    assert_string_equal(thing->fields[1].comment, "Where it hangs.");
    assert_string_equal(thing->fields[0].comment, "");
}

static void a_command_says_what_it_works_on_and_who_may_send_it(void **state)
{
    (void)state;
    const struct contract_command *make = contract_find_command("sample.MakeThing");
    assert_non_null(make);
    assert_string_equal(make->service, "sample");
    assert_ptr_equal(make->message->command, make);
    assert_ptr_equal(make->aggregate, contract_aggregate("sample", "small_thing"));
    assert_ptr_equal(make->reply, contract_find_message("sample.Leaf"));
    assert_int_equal(make->key, 0);
    assert_int_equal(make->root, 1);
    assert_true(make->creates);
    assert_true(contract_role_in(make->roles, CASEBUS__ROLE__ROLE_NURSE));
    assert_true(contract_role_in(make->roles, CASEBUS__ROLE__ROLE_SYSTEM));
    assert_false(contract_role_in(make->roles, CASEBUS__ROLE__ROLE_PATIENT));
    assert_false(contract_role_in(make->roles, CASEBUS__ROLE__ROLE_UNSPECIFIED));
    assert_null(contract_find_command("sample.ThingMade"));
    assert_null(contract_find_command("sample.Nothing"));
}

static void an_aggregate_is_found_by_service_and_kind(void **state)
{
    (void)state;
    const struct contract_aggregate *thing = contract_aggregate("sample", "small_thing");
    assert_non_null(thing);
    assert_int_equal(thing->schema, 3);
    assert_int_equal(thing->key, 0);
    assert_int_equal(thing->root, 1);
    assert_true(thing->readable);
    assert_null(contract_aggregate("sample", "SmallThing"));
    assert_null(contract_aggregate("nobody", "small_thing"));
}

static void an_event_has_its_line_and_its_due_field(void **state)
{
    (void)state;
    const struct contract_event *made = contract_find_event("sample.ThingMade");
    assert_non_null(made);
    assert_string_equal(made->line, "thing {thing_id} made{note?: }{note}");
    assert_int_equal(made->due, 2);
    assert_null(contract_find_event("sample.MakeThing"));
}

static void a_query_may_be_about_no_aggregate(void **state)
{
    (void)state;
    const struct contract_query *list = contract_find_query("sample.ListThings");
    assert_non_null(list);
    assert_null(list->aggregate);
    assert_int_equal(list->key, CONTRACT_NONE);
    const struct contract_query *read = contract_find_query("sample.ReadThing");
    assert_non_null(read->aggregate);
    assert_int_equal(read->root, 1);
}

static void a_service_lists_what_is_its_own(void **state)
{
    (void)state;
    const struct contract_service *sample = contract_find_service("sample");
    assert_non_null(sample);
    assert_int_equal(sample->n_commands, 1);
    assert_int_equal(sample->n_queries, 2);
    assert_string_equal(sample->queries[0].subject, "sample.ListThings");
    assert_string_equal(sample->events[0].subject, "sample.ThingMade");
    assert_string_equal(sample->aggregates[0].kind, "small_thing");
    assert_false(sample->public_contract);
    assert_null(contract_find_service("intake"));
}

static void strings_are_read_and_set_by_name_and_place(void **state)
{
    (void)state;
    Sample__SmallThing thing = SAMPLE__SMALL_THING__INIT;
    assert_null(contract_string_field(&thing.base, "thing_id"));
    contract_set_string_field(&thing.base, "thing_id", "t-1");
    contract_set_string_at(&thing.base, 1, "r-1");
    assert_string_equal(thing.thing_id, "t-1");
    assert_string_equal(contract_string_field(&thing.base, "root_id"), "r-1");
    assert_string_equal(contract_string_at(&thing.base, 0), "t-1");
    assert_null(contract_string_at(&thing.base, CONTRACT_NONE));
    assert_null(contract_string_field(&thing.base, "made_at_ms"));
    assert_null(contract_string_field(&thing.base, "nothing"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_message_is_found_by_its_three_names),
        cmocka_unit_test(a_comment_becomes_one_line),
        cmocka_unit_test(a_command_says_what_it_works_on_and_who_may_send_it),
        cmocka_unit_test(an_aggregate_is_found_by_service_and_kind),
        cmocka_unit_test(an_event_has_its_line_and_its_due_field),
        cmocka_unit_test(a_query_may_be_about_no_aggregate),
        cmocka_unit_test(a_service_lists_what_is_its_own),
        cmocka_unit_test(strings_are_read_and_set_by_name_and_place),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
