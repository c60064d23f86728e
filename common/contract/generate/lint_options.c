#include "common/contract/generate/lint_options.h"

#include "common/core/slice.h"

#include <string.h>

#define TYPE(name)  GOOGLE__PROTOBUF__FIELD_DESCRIPTOR_PROTO__TYPE__TYPE_##name
#define LABEL(name) GOOGLE__PROTOBUF__FIELD_DESCRIPTOR_PROTO__LABEL__LABEL_##name

static const char *or_nothing(const char *name)
{
    return name != NULL ? name : "(nothing)";
}

/* ---- Options of messages ---- */

static bool is_text_field(const struct message_model *message, const char *name)
{
    int place = model_field(message, name);
    return place >= 0 && message->fields[place].proto->type == TYPE(STRING) &&
           message->fields[place].proto->label != LABEL(REPEATED);
}

static void require_text_field(
    struct lint *lint, const struct message_model *message, const char *role, const char *name)
{
    if (!is_text_field(message, name)) {
        complain(lint, message->file, message->name, "its %s is \"%s\", which is no single string field of it", role,
            name != NULL ? name : "");
    }
}

static void require_aggregate(struct lint *lint, const struct message_model *message, const char *name)
{
    const struct message_model *aggregate = model_find(lint->model, message->file, name);
    if (aggregate == NULL || aggregate->aggregate == NULL) {
        complain(lint, message->file, message->name, "works on %s, which is no aggregate", or_nothing(name));
    } else if (aggregate->file != message->file) {
        complain(lint, message->file, message->name, "works on %s, which is of another service", or_nothing(name));
    }
}

static void require_reply(struct lint *lint, const struct message_model *message, const char *name)
{
    if (model_find(lint->model, message->file, name) == NULL) {
        complain(lint, message->file, message->name, "answers with %s, which is no message", or_nothing(name));
    }
}

static void lint_aggregate(struct lint *lint, const struct message_model *message)
{
    const Casebus__Aggregate *aggregate = message->aggregate;
    require_text_field(lint, message, "key", aggregate->key);
    require_text_field(lint, message, "root", aggregate->root);
    if (aggregate->schema == 0) {
        complain(lint, message->file, message->name, "has no schema number; the first is 1");
    }
}

static void lint_command(struct lint *lint, const struct message_model *message)
{
    const Casebus__Command *command = message->command;
    bool outsiders = message->file->service->public_contract && command->aggregate == NULL;
    if (!outsiders) {
        require_aggregate(lint, message, command->aggregate);
    }
    if (!outsiders || command->key != NULL) {
        require_text_field(lint, message, "key", command->key);
    }
    if (!outsiders || command->root != NULL) {
        require_text_field(lint, message, "root", command->root);
    }
    if (command->n_roles == 0) {
        complain(lint, message->file, message->name, "names no role, so nobody could send it");
    }
    if (command->reply != NULL) {
        require_reply(lint, message, command->reply);
    }
}

static void lint_query(struct lint *lint, const struct message_model *message)
{
    const Casebus__Query *query = message->query;
    if (query->aggregate != NULL) {
        require_aggregate(lint, message, query->aggregate);
        require_text_field(lint, message, "key", query->key);
        require_text_field(lint, message, "root", query->root);
    } else if (query->root != NULL) {
        require_text_field(lint, message, "root", query->root);
    }
    if (query->n_roles == 0) {
        complain(lint, message->file, message->name, "names no role, so nobody could ask it");
    }
    require_reply(lint, message, query->reply);
}

/* Whether the time line has words for it: not for bytes, messages, fractions and points in time. */
static bool can_be_said(const struct field_model *field)
{
    int type = field->proto->type;
    bool list_of_numbers = field->proto->label == LABEL(REPEATED) && type != TYPE(STRING) && type != TYPE(ENUM);
    return type != TYPE(BYTES) && type != TYPE(MESSAGE) && type != TYPE(DOUBLE) && type != TYPE(FLOAT) &&
           !list_of_numbers && !str_ends_with(field->proto->name, "_ms");
}

/* `{field}` and `{field?text}`. */
static void lint_line(struct lint *lint, const struct message_model *message, const char *line)
{
    for (const char *open = strchr(line, '{'); open != NULL; open = strchr(open + 1, '{')) {
        size_t length = strcspn(open + 1, "}?{");
        char name[64];
        if (strchr(open, '}') == NULL || open[1 + length] == '{' || length >= sizeof name) {
            complain(lint, message->file, message->name, "has a line with a brace that does not close: \"%s\"", line);
            return;
        }
        memcpy(name, open + 1, length);
        name[length] = '\0';
        int place = model_field(message, name);
        if (place < 0) {
            complain(lint, message->file, message->name, "speaks in its line of {%s}, which is no field of it",
                or_nothing(name));
        } else if (!can_be_said(&message->fields[place])) {
            complain(lint, message->file, message->name, "speaks in its line of {%s}, which has no words", name);
        }
    }
}

static void lint_event(struct lint *lint, const struct message_model *message)
{
    if (message->event->line != NULL) {
        lint_line(lint, message, message->event->line);
    }
    const char *due = message->event->due;
    int place = model_field(message, due);
    if (due == NULL) {
        return;
    }
    if (place < 0 || message->fields[place].proto->type != TYPE(INT64) || !str_ends_with(due, "_ms")) {
        complain(lint, message->file, message->name, "is due at \"%s\", which is no int64 field that ends in _ms", due);
    }
}

void lint_message_options(struct lint *lint, const struct message_model *message)
{
    int kinds =
        (message->aggregate != NULL) + (message->command != NULL) + (message->event != NULL) + (message->query != NULL);
    if (kinds == 0) {
        return;
    }
    if (kinds > 1) {
        complain(lint, message->file, message->name, "is more than one of aggregate, command, event and query");
    } else if (message->nested || message->file->service == NULL) {
        complain(lint, message->file, message->name, "is an aggregate, command, event or query outside of a service");
    } else if (message->aggregate != NULL) {
        lint_aggregate(lint, message);
    } else if (message->command != NULL) {
        lint_command(lint, message);
    } else if (message->event != NULL) {
        lint_event(lint, message);
    } else {
        lint_query(lint, message);
    }
}

/* ---- Rules of fields ---- */

void lint_rule(
    struct lint *lint, const struct message_model *message, const struct field_model *field, const char *place)
{
    const Casebus__Rule *rule = field->rule;
    int type = field->proto->type;
    if (rule == NULL) {
        return;
    }
    bool text = type == TYPE(STRING);
    bool number = !text && type != TYPE(BYTES) && type != TYPE(MESSAGE) && type != TYPE(ENUM) && type != TYPE(BOOL);
    if (rule->form != CASEBUS__FORM__FORM_UNSPECIFIED && !text) {
        complain(lint, message->file, place, "has a form, which only strings can have");
    }
    if ((rule->has_min_length || rule->has_max_length) && !text && type != TYPE(BYTES)) {
        complain(lint, message->file, place, "has a length, which only strings and bytes can have");
    }
    if (rule->has_min_length && rule->has_max_length && rule->min_length > rule->max_length) {
        complain(lint, message->file, place, "cannot be as short as it must be long");
    }
    if ((rule->has_min || rule->has_max) && !number) {
        complain(lint, message->file, place, "has a range, which only numbers can have");
    }
    if (rule->has_min && rule->has_max && rule->min > rule->max) {
        complain(lint, message->file, place, "has an empty range");
    }
    if (rule->has_max_items && field->proto->label != LABEL(REPEATED)) {
        complain(lint, message->file, place, "has max_items, which only lists can have");
    }
}
