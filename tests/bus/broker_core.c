#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tests/bus/broker_world.h"

static void a_command_reaches_its_service_and_its_answer_the_caller(void **state)
{
    (void)state;
    STORY("hello i1 serves=intake", "hello c1", "cmd c1 intake.Do root=a ttl=500", "= i1 CMD intake.Do ttl 500",
        "rep i1 OK", "= c1 REP OK", "qry c1 intake.Show", "= i1 QRY intake.Show ttl 10000", "rep i1 OK", "= c1 QRS OK",
        "= nothing");
}

static void a_command_without_an_instance_is_unavailable_at_once(void **state)
{
    (void)state;
    STORY("hello c1", "cmd c1 intake.Do", "= c1 REP UNAVAILABLE", "hello i1 serves=intake", "gone i1",
        "cmd c1 intake.Do", "= c1 REP UNAVAILABLE", "cmd c1 nodot", "= c1 REP UNAVAILABLE", "= nothing");
}

static void an_instance_is_never_given_more_than_its_credits(void **state)
{
    (void)state;
    STORY("hello i1 serves=intake credit=1", "hello c1", "cmd c1 intake.A", "= i1 CMD intake.A ttl 10000",
        "cmd c1 intake.B", "= nothing", "rep i1 OK", "= c1 REP OK", "= i1 CMD intake.B ttl 10000", "= nothing");
}

static void a_full_queue_refuses_and_control_still_passes(void **state)
{
    (void)state;
    STORY("hello i1 serves=intake credit=1", "hello c1", "cmd c1 intake.A", "= i1 CMD intake.A ttl 10000",
        "cmd c1 intake.B", "cmd c1 intake.C", "cmd c1 intake.D", "= c1 REP OVERLOADED", "cmd c1 intake.Control class=3",
        "= nothing", "rep i1 OK", "= c1 REP OK", "= i1 CMD intake.Control ttl 10000");
}

static void the_urgent_goes_before_the_rest_and_bulk_is_not_starved(void **state)
{
    (void)state;
    STORY("hello i1 serves=intake credit=1", "hello c1", "cmd c1 intake.A", "= i1 CMD intake.A ttl 10000",
        "cmd c1 intake.Bulk class=2", "cmd c1 intake.Urgent class=1", "rep i1 OK", "= c1 REP OK",
        "= i1 CMD intake.Urgent ttl 10000", "rep i1 OK", "= c1 REP OK", "= i1 CMD intake.Bulk ttl 10000");
}

static void waiting_costs_time_to_live_and_ends_with_it(void **state)
{
    (void)state;
    STORY("hello i1 serves=intake credit=1", "hello c1", "cmd c1 intake.A", "= i1 CMD intake.A ttl 10000",
        "cmd c1 intake.B ttl=1000", "cmd c1 intake.C ttl=300", "wait 400", "= c1 REP EXPIRED", "rep i1 OK",
        "= c1 REP OK", "= i1 CMD intake.B ttl 600", "= nothing");
}

static void a_command_that_waits_too_long_is_refused_before_any_effect(void **state)
{
    (void)state;
    STORY("hello i1 serves=intake credit=1", "hello c1", "cmd c1 intake.A ttl=60000", "= i1 CMD intake.A ttl 60000",
        "cmd c1 intake.B ttl=60000", "wait 5100", "= c1 REP OVERLOADED", "= nothing");
}

static void a_lost_instance_leaves_the_outcome_unknown_and_a_queued_command_unavailable(void **state)
{
    (void)state;
    STORY("hello i1 serves=intake credit=1", "hello c1", "cmd c1 intake.A", "= i1 CMD intake.A ttl 10000",
        "cmd c1 intake.B", "gone i1", "= c1 REP UNKNOWN", "= c1 REP UNAVAILABLE", "= nothing");
}

static void an_unanswered_command_is_unknown_and_its_late_answer_reaches_nobody(void **state)
{
    (void)state;
    STORY("hello i1 serves=intake", "hello c1", "cmd c1 intake.A ttl=200", "= i1 CMD intake.A ttl 200", "wait 300",
        "= c1 REP UNKNOWN", "rep i1 OK", "= nothing");
    assert_int_equal(broker_story_counters.replies_late, 1);
}

static void an_instance_that_says_goodbye_gets_nothing_new_and_finishes(void **state)
{
    (void)state;
    STORY("hello i1 serves=intake", "hello c1", "cmd c1 intake.A", "= i1 CMD intake.A ttl 10000", "bye i1",
        "cmd c1 intake.B", "= c1 REP UNAVAILABLE", "rep i1 OK", "= c1 REP OK", "= nothing");
}

static void a_silent_instance_is_lost(void **state)
{
    (void)state;
    STORY("hello i1 serves=intake", "hello c1", "cmd c1 intake.A ttl=120000", "= i1 CMD intake.A ttl 120000",
        "wait 60000", "alive c1", "wait 60000", "alive c1", "= c1 REP UNKNOWN", "wait 59000", "alive c1", "wait 2000",
        "cmd c1 intake.B", "= c1 REP UNAVAILABLE");
}

static void who_has_no_session_is_told_to_greet(void **state)
{
    (void)state;
    STORY("cmd x1 intake.A", "= x1 RESET UNAVAILABLE", "garbage x1", "= nothing");
    assert_int_equal(broker_story_counters.frames_dropped, 1);
}

static void without_the_store_commands_are_unavailable_and_questions_pass(void **state)
{
    (void)state;
    STORY("hello i1 serves=intake", "hello c1", "store down", "cmd c1 intake.A", "= c1 REP UNAVAILABLE",
        "qry c1 intake.Show", "= i1 QRY intake.Show ttl 10000", "store up", "cmd c1 intake.A",
        "= i1 CMD intake.A ttl 10000");
}

static void events_of_a_root_come_one_at_a_time_and_other_roots_pass(void **state)
{
    (void)state;
    STORY("hello n1 group=notes wants=plan.Made", "log a 1 plan.Made", "log a 2 plan.Made", "log b 1 plan.Made",
        "log a 3 plan.Other", "wait 600", "= n1 EVT a/1 try 1", "= n1 EVT b/1 try 1", "= nothing", "ack n1",
        "= n1 EVT a/2 try 1", "ack n1", "wait 200", "= store cursor notes 1", "ack n1", "wait 300",
        "= store cursor notes 4", "= nothing");
}

static void each_group_gets_what_it_wants(void **state)
{
    (void)state;
    STORY("hello n1 group=notes wants=plan.Made", "hello s1 group=times wants=plan.Other,plan.Made",
        "log a 1 plan.Made", "log a 2 plan.Other", "wait 600", "= n1 EVT a/1 try 1", "= s1 EVT a/1 try 1", "ack s1",
        "= s1 EVT a/2 try 1", "= nothing");
}

static void a_refused_event_comes_again_before_those_behind_it(void **state)
{
    (void)state;
    STORY("hello n1 group=notes wants=plan.Made", "log a 1 plan.Made", "log a 2 plan.Made", "wait 600",
        "= n1 EVT a/1 try 1", "nak n1 500", "wait 400", "= nothing", "wait 200", "= n1 EVT a/1 try 2", "ack n1",
        "= n1 EVT a/2 try 1");
}

static void an_event_nobody_answers_comes_again(void **state)
{
    (void)state;
    STORY("hello n1 group=notes wants=plan.Made", "log a 1 plan.Made", "wait 600", "= n1 EVT a/1 try 1", "wait 29000",
        "= nothing", "wait 2000", "= n1 EVT a/1 try 2");
}

static void a_poison_event_dies_after_five_attempts_and_parks_its_root_alone(void **state)
{
    (void)state;
    STORY("hello n1 group=notes wants=plan.Made", "log a 1 plan.Made", "log a 2 plan.Made", "log b 1 plan.Made",
        "wait 600", "= n1 EVT a/1 try 1", "= n1 EVT b/1 try 1", "nak n1", "ack n1", "wait 250", "= n1 EVT a/1 try 2",
        "nak n1", "wait 450", "= n1 EVT a/1 try 3", "nak n1", "wait 900", "= n1 EVT a/1 try 4", "nak n1", "wait 1100",
        "= n1 EVT a/1 try 5", "nak n1", "= store dead notes a/1 ATTEMPTS", "wait 200", "= store cursor notes 3",
        "log a 3 plan.Made", "log b 2 plan.Made", "wait 600", "= n1 EVT b/2 try 1", "= store cursor notes 4",
        "= nothing");
    assert_int_equal(broker_story_counters.dead, 1);
}

static void an_event_put_off_for_want_of_room_is_no_poison(void **state)
{
    (void)state;
    STORY("hello n1 group=notes wants=plan.Made", "log a 1 plan.Made", "wait 600", "= n1 EVT a/1 try 1", "later n1",
        "wait 250", "= n1 EVT a/1 try 2", "later n1", "wait 450", "= n1 EVT a/1 try 3", "later n1", "wait 900",
        "= n1 EVT a/1 try 4", "later n1", "wait 1100", "= n1 EVT a/1 try 5", "later n1", "wait 1100",
        "= n1 EVT a/1 try 6", "later n1", "wait 1100", "= n1 EVT a/1 try 7", "ack n1", "wait 300",
        "= store cursor notes 1", "= nothing");
    assert_int_equal(broker_story_counters.dead, 0);
}

static void two_links_lost_on_one_event_are_enough(void **state)
{
    (void)state;
    STORY("hello n1 group=notes wants=plan.Made", "hello n2 group=notes wants=plan.Made",
        "hello n3 group=notes wants=plan.Made", "log z 1 plan.Made", "wait 600", "= n1 EVT z/1 try 1", "gone n1",
        "= n2 EVT z/1 try 2", "gone n2", "= store dead notes z/1 LINKS_LOST", "wait 200", "= store cursor notes 1",
        "= nothing");
}

static void only_the_event_that_kills_twice_dies_and_not_what_was_beside_it(void **state)
{
    (void)state;
    STORY("hello n1 group=notes wants=plan.Made", "logs 3 plan.Made", "wait 600", "= n1 EVT r0/1 try 1",
        "= n1 EVT r1/1 try 1", "= n1 EVT r2/1 try 1", "gone n1", "hello n2 group=notes wants=plan.Made",
        "= n2 EVT r0/1 try 2", "= nothing", "gone n2", "= store dead notes r0/1 LINKS_LOST",
        "hello n3 group=notes wants=plan.Made", "= n3 EVT r1/1 try 2", "= nothing", "ack n3", "= n3 EVT r2/1 try 2",
        "ack n3", "wait 300", "= store cursor notes 3", "= nothing");
}

static void a_lost_link_returns_its_event_to_another_instance(void **state)
{
    (void)state;
    STORY("hello n1 group=notes wants=plan.Made", "log a 1 plan.Made", "wait 600", "= n1 EVT a/1 try 1", "gone n1",
        "= nothing", "hello n2 group=notes wants=plan.Made", "= n2 EVT a/1 try 2", "ack n2", "wait 200",
        "= store cursor notes 1");
}

static void who_greets_again_gets_its_events_again_and_is_not_blamed(void **state)
{
    (void)state;
    STORY("hello n1 group=notes wants=plan.Made", "log a 1 plan.Made", "wait 600", "= n1 EVT a/1 try 1",
        "hello n1 group=notes wants=plan.Made", "= n1 EVT a/1 try 2", "hello n1 group=notes wants=plan.Made",
        "= n1 EVT a/1 try 3", "hello n1 group=notes wants=plan.Made", "= n1 EVT a/1 try 4", "ack n1", "wait 200",
        "= store cursor notes 1", "= nothing");
}

static void a_retried_root_catches_up_in_order_and_is_live_again(void **state)
{
    (void)state;
    STORY("hello n1 group=notes wants=plan.Made", "log a 1 plan.Made", "log a 2 plan.Made", "wait 600",
        "= n1 EVT a/1 try 1", "term n1", "= store dead notes a/1 ATTEMPTS", "log a 3 plan.Made", "wait 600",
        "= store cursor notes 2", "wait 300", "= store cursor notes 3", "retry notes a", "wait 600",
        "= n1 EVT a/1 try 1", "ack n1", "= n1 EVT a/2 try 1", "ack n1", "= n1 EVT a/3 try 1", "ack n1",
        "= store unpark notes a", "log a 4 plan.Made", "wait 600", "= n1 EVT a/4 try 1", "= nothing");
}

static void a_skipped_record_is_left_out_and_the_root_goes_on(void **state)
{
    (void)state;
    STORY("hello n1 group=notes wants=plan.Made", "log a 1 plan.Made", "log a 2 plan.Made", "wait 600",
        "= n1 EVT a/1 try 1", "term n1", "= store dead notes a/1 ATTEMPTS", "wait 600", "= store cursor notes 2",
        "skip notes a", "wait 600", "= n1 EVT a/2 try 1", "ack n1", "= store unpark notes a", "= nothing");
}

static void a_fenced_broker_stops_delivering_the_partition(void **state)
{
    (void)state;
    STORY("hello n1 group=notes wants=plan.Made", "log a 1 plan.Made", "log a 2 plan.Made", "wait 600",
        "= n1 EVT a/1 try 1", "store fence", "ack n1", "= n1 EVT a/2 try 1", "wait 200", "ack n1", "= nothing");
    assert_int_equal(broker_story_counters.fenced, 1);
    assert_int_equal(broker_story_counters.stale_tag, 1);
}

static void a_command_of_a_task_is_repeated_until_its_answer_is_final(void **state)
{
    (void)state;
    STORY("hello i1 serves=intake", "task intake a", "task intake a", "wait 600", "= i1 CMD intake a try 1",
        "= nothing", "rep i1 UNKNOWN", "wait 250", "= i1 CMD intake a try 2", "rep i1 OVERLOADED", "wait 450",
        "= i1 CMD intake a try 3", "rep i1 REFUSED", "= store done intake", "= i1 CMD intake a try 1", "rep i1 OK",
        "= store done intake", "= nothing");
}

static void a_task_whose_removal_was_not_written_is_asked_again(void **state)
{
    (void)state;
    STORY("hello i1 serves=intake", "task intake a", "wait 600", "= i1 CMD intake a try 1", "store fail", "rep i1 OK",
        "= nothing", "wait 1100", "= i1 CMD intake a try 2", "rep i1 OK", "= store done intake", "= nothing");
}

static void an_insurers_tasks_wait_for_it_and_come_again_when_it_comes_back(void **state)
{
    (void)state;
    STORY("task payer/demo/acme a", "wait 600", "= nothing", "hello e1 lanes=payer/demo/acme", "wait 600",
        "= e1 TASK payer/demo/acme a try 1", "ack e1", "wait 2000", "= nothing", "gone e1",
        "hello e1 lanes=payer/demo/acme", "wait 600", "= e1 TASK payer/demo/acme a try 1", "ack e1", "gone e1",
        "handled lane", "hello e1 lanes=payer/demo/acme", "wait 600", "= nothing");
}

static void who_takes_the_rest_yields_to_the_insurer_itself(void **state)
{
    (void)state;
    STORY("hello r1 lanes=payer/demo/*", "hello e1 lanes=payer/demo/acme", "task payer/demo/acme a",
        "task payer/demo/other b", "wait 600", "= e1 TASK payer/demo/acme a try 1",
        "= r1 TASK payer/demo/other b try 1", "= nothing", "gone e1", "wait 600", "= r1 TASK payer/demo/acme a try 2");
}

static void timers_of_a_service_that_is_not_there_do_not_hold_up_those_behind_them(void **state)
{
    (void)state;
    STORY("hello i1 serves=intake", "timers 200 claims reply-due", "timer intake a first-contact", "wait 700",
        "= i1 CMD a first-contact", "rep i1 OK", "= nothing");
}

static void an_insurer_that_takes_nothing_holds_up_nobody_else(void **state)
{
    (void)state;
    STORY("hello e1 lanes=payer/demo/slow credit=1", "hello e2 lanes=payer/demo/quick", "hello i1 serves=intake",
        "hello n1 group=notes wants=plan.Made", "tasks 100 payer/demo/slow", "wait 600",
        "= e1 TASK payer/demo/slow r0 try 1", "log a 1 plan.Made", "task intake a", "task payer/demo/quick a",
        "wait 600", "= n1 EVT a/1 try 1", "= i1 CMD intake a try 1", "= e2 TASK payer/demo/quick a try 1", "= nothing");
}

static void a_store_that_is_loading_is_asked_now_and_then_and_not_without_end(void **state)
{
    (void)state;
    STORY("store loading", "hello n1 group=notes wants=plan.Made", "log a 1 plan.Made", "wait 1500", "= nothing",
        "store loaded", "wait 1500", "= n1 EVT a/1 try 1", "= nothing");
}

static void a_group_that_handles_nothing_holds_up_no_other(void **state)
{
    (void)state;
    STORY("hello n1 group=notes wants=plan.Made credit=1", "logs 100 plan.Made", "wait 600", "= n1 EVT r0/1 try 1",
        "gone n1", "hello s1 group=times wants=plan.Other", "log a 1 plan.Other", "wait 600",
        "= store cursor times 100", "= s1 EVT a/1 try 1", "ack s1", "wait 600", "= store cursor times 101",
        "= nothing");
}

static void a_due_timer_reaches_its_service_once_and_again_if_it_failed(void **state)
{
    (void)state;
    STORY("hello i1 serves=intake", "timer intake a first-contact", "wait 600", "= i1 CMD a first-contact", "wait 2000",
        "= nothing", "rep i1 UNAVAILABLE", "wait 300", "= i1 CMD a first-contact", "handled timers", "rep i1 OK",
        "wait 2000", "= nothing");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_command_reaches_its_service_and_its_answer_the_caller),
        cmocka_unit_test(a_command_without_an_instance_is_unavailable_at_once),
        cmocka_unit_test(an_instance_is_never_given_more_than_its_credits),
        cmocka_unit_test(a_full_queue_refuses_and_control_still_passes),
        cmocka_unit_test(the_urgent_goes_before_the_rest_and_bulk_is_not_starved),
        cmocka_unit_test(waiting_costs_time_to_live_and_ends_with_it),
        cmocka_unit_test(a_command_that_waits_too_long_is_refused_before_any_effect),
        cmocka_unit_test(a_lost_instance_leaves_the_outcome_unknown_and_a_queued_command_unavailable),
        cmocka_unit_test(an_unanswered_command_is_unknown_and_its_late_answer_reaches_nobody),
        cmocka_unit_test(an_instance_that_says_goodbye_gets_nothing_new_and_finishes),
        cmocka_unit_test(a_silent_instance_is_lost),
        cmocka_unit_test(who_has_no_session_is_told_to_greet),
        cmocka_unit_test(without_the_store_commands_are_unavailable_and_questions_pass),
        cmocka_unit_test(events_of_a_root_come_one_at_a_time_and_other_roots_pass),
        cmocka_unit_test(each_group_gets_what_it_wants),
        cmocka_unit_test(a_refused_event_comes_again_before_those_behind_it),
        cmocka_unit_test(an_event_nobody_answers_comes_again),
        cmocka_unit_test(a_poison_event_dies_after_five_attempts_and_parks_its_root_alone),
        cmocka_unit_test(an_event_put_off_for_want_of_room_is_no_poison),
        cmocka_unit_test(two_links_lost_on_one_event_are_enough),
        cmocka_unit_test(only_the_event_that_kills_twice_dies_and_not_what_was_beside_it),
        cmocka_unit_test(a_lost_link_returns_its_event_to_another_instance),
        cmocka_unit_test(who_greets_again_gets_its_events_again_and_is_not_blamed),
        cmocka_unit_test(a_retried_root_catches_up_in_order_and_is_live_again),
        cmocka_unit_test(a_skipped_record_is_left_out_and_the_root_goes_on),
        cmocka_unit_test(a_fenced_broker_stops_delivering_the_partition),
        cmocka_unit_test(a_command_of_a_task_is_repeated_until_its_answer_is_final),
        cmocka_unit_test(a_task_whose_removal_was_not_written_is_asked_again),
        cmocka_unit_test(an_insurers_tasks_wait_for_it_and_come_again_when_it_comes_back),
        cmocka_unit_test(who_takes_the_rest_yields_to_the_insurer_itself),
        cmocka_unit_test(an_insurer_that_takes_nothing_holds_up_nobody_else),
        cmocka_unit_test(a_store_that_is_loading_is_asked_now_and_then_and_not_without_end),
        cmocka_unit_test(a_group_that_handles_nothing_holds_up_no_other),
        cmocka_unit_test(a_due_timer_reaches_its_service_once_and_again_if_it_failed),
        cmocka_unit_test(timers_of_a_service_that_is_not_there_do_not_hold_up_those_behind_them),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
