#include "common/contract/field.h"
#include "common/contract/guard.h"
#include "common/core/slice.h"
#include "proto/ops.pb-c.h"
#include "services/cli/cli.h"

static void add(struct cli *cli, struct history *history, struct happened one)
{
    if ((history->count & (history->count + 1)) == 0) { /* Full at 0, 1, 3, 7, ... */
        size_t room = (history->count + 1) * 2;
        struct happened *more = arena_alloc(&cli->arena, room * sizeof *more);
        for (size_t i = 0; i < history->count; i++) {
            more[i] = history->events[i];
        }
        history->events = more;
    }
    history->events[history->count++] = one;
}

/* Events that this program's contract does not know come from a newer service: they are passed over. */
static void add_record(struct cli *cli, struct history *history, const Ops__RecordView *record)
{
    for (size_t i = 0; i < record->n_events; i++) {
        const struct contract_event *row =
            contract_find_event(record->events[i]->subject ? record->events[i]->subject : "");
        struct why why;
        ProtobufCMessage *event = NULL;
        if (!row || contract_unpack(row->message->descriptor, record->events[i]->body.data, record->events[i]->body.len,
                        &CROSSING_STATE, &cli->arena, &why, &event) != FAULT_NONE) {
            continue;
        }
        add(cli, history,
            (struct happened){
                .sequence = record->sequence,
                .at_ms = record->at_ms,
                .service = record->service,
                .actor_id = record->actor_id,
                .role = record->actor_role,
                .simulated = record->actor_simulated,
                .row = row,
                .event = event,
            });
    }
    history->sequence = record->sequence;
}

enum fault history_read(struct cli *cli, struct history *history, struct why *why)
{
    for (bool more = true; more;) {
        Ops__ReadRoot question = OPS__READ_ROOT__INIT;
        question.root = history->root;
        question.has_after_sequence = 1;
        question.after_sequence = history->sequence;
        struct answered answered;
        enum fault fault =
            session_ask(cli, &(struct asked){.subject = "ops.ReadRoot", .body = &question.base}, &answered);
        if (fault != FAULT_NONE) {
            *why = answered.why;
            return fault;
        }
        const Ops__RootRecords *records = (const Ops__RootRecords *)answered.reply;
        for (size_t i = 0; records && i < records->n_records; i++) {
            add_record(cli, history, records->records[i]);
        }
        more = records && records->more && records->n_records > 0;
    }
    return FAULT_NONE;
}

const struct happened *history_find(const struct history *history, const char *subject, size_t from)
{
    for (size_t i = from; i < history->count; i++) {
        if (str_same(history->events[i].row->subject, subject)) {
            return &history->events[i];
        }
    }
    return NULL;
}

int64_t event_due(const struct happened *happened)
{
    if (happened->row->due == CONTRACT_NONE) {
        return 0;
    }
    return field_integer(happened->event, happened->event->descriptor->fields[happened->row->due].name, 0);
}
