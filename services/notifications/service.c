#include "services/notifications/notifications.h"

/* One rule of reaction serves every event; what is told of it stands in seeds/reference/notices.json. */
#define TELL_OF(descriptor)                                                                                            \
    {                                                                                                                  \
        &(descriptor), tell_of_event                                                                                   \
    }

/* clang-format off */
static const struct command COMMANDS[] = {
    COMMAND(Notifications__SetRecipient, notifications__set_recipient__descriptor, Notifications__ContactBook, set_recipient),
    COMMAND(Notifications__StopMessages, notifications__stop_messages__descriptor, Notifications__ContactBook, stop_messages),
    COMMAND(Notifications__PlanNotices, notifications__plan_notices__descriptor, Notifications__ContactBook, plan_notices),
    COMMAND(Notifications__ReadNotice, notifications__read_notice__descriptor, Notifications__Notice, read_notice),
    {0},
};
static const struct reaction REACTIONS[] = {
    TELL_OF(intake__consent_recorded__descriptor),
    TELL_OF(intake__case_enrolled__descriptor),
    TELL_OF(intake__case_manager_assigned__descriptor),
    TELL_OF(intake__case_manager_not_found__descriptor),
    TELL_OF(intake__critical_answer_given__descriptor),
    TELL_OF(intake__clock_overdue__descriptor),
    TELL_OF(intake__case_closed__descriptor),
    TELL_OF(planning__plan_proposed__descriptor),
    TELL_OF(planning__plan_agreed__descriptor),
    TELL_OF(planning__plan_objected__descriptor),
    TELL_OF(planning__intervention_overdue__descriptor),
    TELL_OF(scheduling__appointment_booked__descriptor),
    TELL_OF(scheduling__appointment_moved__descriptor),
    TELL_OF(scheduling__appointment_cancelled__descriptor),
    TELL_OF(scheduling__appointment_missed__descriptor),
    TELL_OF(scheduling__reminder_due__descriptor),
    TELL_OF(claims__coverage_missing__descriptor),
    TELL_OF(claims__authorization_decided__descriptor),
    TELL_OF(claims__authorization_overdue__descriptor),
    TELL_OF(claims__claim_answered__descriptor),
    TELL_OF(claims__appeal_filed__descriptor),
    TELL_OF(claims__appeal_decided__descriptor),
    TELL_OF(claims__appeal_window_closed__descriptor),
    TELL_OF(notifications__notice_failed__descriptor),
    {0},
};
static const struct timer TIMERS[] = {
    TIMER("notice", Notifications__Notice, notice_timer),
    {0},
};
static const struct answer ANSWERS[] = {
    ANSWER(Notifications__SendAnswer, notifications__send_answer__descriptor, "notice", Notifications__Notice, take_send_answer),
    {0},
};
static const struct query QUERIES[] = {
    QUERY(Notifications__ListNotices, notifications__list_notices__descriptor, Notifications__NoticeLedger, list_notices),
    {0},
};
static const struct reference_file REFERENCES[] = {
    {&notifications__notice_rules__descriptor, "reference/notices.json"},
    {0},
};
/* clang-format on */

const struct service NOTIFICATIONS = {
    .name = "notifications",
    .commands = COMMANDS,
    .reactions = REACTIONS,
    .timers = TIMERS,
    .answers = ANSWERS,
    .queries = QUERIES,
    .references = REFERENCES,
};
