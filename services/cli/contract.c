/* casebus contract list | show NAME: what may be sent, from the same tables that every service enforces. */
#include <stdio.h>
#include <string.h>

#include "services/cli/cli.h"

static void print_roles(uint32_t roles)
{
    const char *separator = "";
    for (unsigned i = 0; i < casebus__role__descriptor.n_values; i++) {
        const ProtobufCEnumValue *role = &casebus__role__descriptor.values[i];
        if (contract_role_in(roles, role->value)) {
            printf("%s%s", separator, role->name + strlen("ROLE_"));
            separator = ", ";
        }
    }
    putchar('\n');
}

static void list_service(const struct contract_service *service)
{
    printf("%s%s\n", service->name, service->public_contract ? " (public contract)" : "");
    for (unsigned i = 0; i < service->n_commands; i++) {
        printf("  command   %s\n", service->commands[i].subject);
    }
    for (unsigned i = 0; i < service->n_queries; i++) {
        printf("  question  %s\n", service->queries[i].subject);
    }
    for (unsigned i = 0; i < service->n_events; i++) {
        printf("  event     %s\n", service->events[i].subject);
    }
    for (unsigned i = 0; i < service->n_aggregates; i++) {
        printf("  state     %s\n", service->aggregates[i].message->subject);
    }
}

static const char *type_word(const ProtobufCFieldDescriptor *field)
{
    static const char *const WORDS[] = {
        [PROTOBUF_C_TYPE_STRING] = "text",
        [PROTOBUF_C_TYPE_BOOL] = "yes/no",
        [PROTOBUF_C_TYPE_BYTES] = "bytes",
    };
    if (field->type == PROTOBUF_C_TYPE_ENUM) {
        return ((const ProtobufCEnumDescriptor *)field->descriptor)->short_name;
    }
    if (field->type == PROTOBUF_C_TYPE_MESSAGE) {
        return ((const ProtobufCMessageDescriptor *)field->descriptor)->short_name;
    }
    const char *word = field->type < sizeof WORDS / sizeof WORDS[0] ? WORDS[field->type] : NULL;
    return word ? word : "number";
}

static const char *form_word(int form)
{
    const ProtobufCEnumValue *value = protobuf_c_enum_descriptor_get_value(&casebus__form__descriptor, form);
    return value && value->value ? value->name + strlen("FORM_") : NULL;
}

static void show_field(const ProtobufCFieldDescriptor *field, const struct contract_field *rule)
{
    char line[200];
    const char *form = form_word(rule->form);
    snprintf(line, sizeof line, "%s%s%s%s%s", field->label == PROTOBUF_C_LABEL_REPEATED ? "list of " : "",
        type_word(field), rule->required ? ", required" : "", form ? ", form " : "", form ? form : "");
    printf("  %-24s %s\n", rule->json, line);
    if (rule->comment[0]) {
        printf("    ");
        say_wrapped(rule->comment, 4, 80);
    }
}

static int show(const char *name)
{
    const struct contract_message *message = contract_find_message(name);
    if (!message) {
        return say_wrong(EXIT_USAGE, "%s is no message of the contract; casebus contract list shows them", name);
    }
    printf("%s\n", message->subject);
    if (message->comment[0]) {
        printf("  ");
        say_wrapped(message->comment, 2, 80);
    }
    if (message->kind == CONTRACT_COMMAND || message->kind == CONTRACT_QUERY) {
        bool command = message->kind == CONTRACT_COMMAND;
        const struct contract_message *reply = command ? message->command->reply : message->query->reply;
        printf("  answers with %s; asked by ", reply ? reply->subject : "its outcome alone");
        print_roles(command ? message->command->roles : message->query->roles);
    }
    for (unsigned i = 0; i < message->descriptor->n_fields; i++) {
        show_field(&message->descriptor->fields[i], &message->fields[i]);
    }
    return EXIT_DONE;
}

int word_contract(struct cli *cli)
{
    if (cli->word_count == 2 && strcmp(cli->words[0], "show") == 0) {
        return show(cli->words[1]);
    }
    if (cli->word_count != 1 || strcmp(cli->words[0], "list") != 0) {
        return say_wrong(EXIT_USAGE, "usage: casebus contract list | show NAME");
    }
    printf("contract %u, ", CONTRACT.major);
    for (int i = 0; i < 8; i++) {
        printf("%02x", CONTRACT.hash[i]);
    }
    putchar('\n');
    for (size_t i = 0; i < CONTRACT.n_services; i++) {
        list_service(&CONTRACT.services[i]);
    }
    return EXIT_DONE;
}
