/* casebus-broker: routes commands and events between the services, or, in the role `edge`, between a network and its insurers. */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/core/text.h"
#include "services/broker/edge.h"
#include "services/broker/shell.h"

static bool is_role(const char *value, struct why *why)
{
    why_set(why, "neither broker nor edge");
    return strcmp(value, "broker") == 0 || strcmp(value, "edge") == 0;
}

const struct setting BROKER_SETTINGS[] = {
    {"role", "broker", "broker, or edge: the side towards insurers", is_role},
    {"edge", "ipc:///run/casebus/edge.sock", "edge: where insurers connect, endpoints by commas", setting_is_given},
    {"lanes", "/var/lib/casebus/lanes", "edge: folder of the lane keys", setting_is_given},
    {"allow-everysec", "no", "accept a store that may lose the last second in a power cut", setting_is_yes_no},
    {"lease-ms", "5000", "how long a partition stays ours without renewal", setting_is_number},
    {"heartbeat-ms", "1000", "interval of signs of life; three silent ones end a link", setting_is_number},
    {"ack-ms", "30000", "a delivery not answered for so long counts as failed", setting_is_number},
    {"retry-ms", "200", "first pause before a failed delivery is tried again", setting_is_number},
    {"poll-ms", "500", "the log is looked at so often without a bell", setting_is_number},
    {"timer-poll-ms", "500", "due timers are looked for so often", setting_is_number},
    {"queue-calls", "4096", "commands that may wait for one service", setting_is_number},
    {0},
};

extern char **environ;

static const struct setting *const TABLES[] = {SETTINGS_COMMON, BROKER_SETTINGS, NULL};

static int show_help(void)
{
    struct text text;
    text_init(&text, TEXT_PAGE_BYTES);
    settings_help("casebus-broker", "[--name=value ...]", TABLES, &text);
    fputs(text.at, stdout);
    text_done(&text);
    return EXIT_SUCCESS;
}

int main(int argc, char **argv)
{
    enum { USAGE = 2 };
    struct settings *settings = NULL;
    struct why why;
    switch (settings_load("broker", TABLES, false, argc, argv, environ, &settings, &why)) {
    case SETTINGS_HELP:
        return show_help();
    case SETTINGS_WRONG:
        fprintf(stderr, "casebus-broker: %s\n", why.text);
        return USAGE;
    case SETTINGS_READY:
        break;
    }
    bool edge = strcmp(settings_text(settings, "role"), "edge") == 0;
    int status = edge ? edge_main(settings) : broker_main(settings);
    settings_free(&settings);
    return status;
}
