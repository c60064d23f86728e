#include "common/service/settings.h"

#include "common/core/id.h"
#include "common/core/slice.h"

#define NUMBER_MAX (UINT64_C(1) << 53) /* What every language reads exactly. */

static bool number_up_to(const char *value, uint64_t max, struct why *why)
{
    uint64_t number = 0;
    if (!slice_parse_uint(slice_of(value), max, &number)) {
        why_set(why, "not a whole number from 0 to %llu", (unsigned long long)max);
        return false;
    }
    return true;
}

bool setting_is_number(const char *value, struct why *why)
{
    return number_up_to(value, NUMBER_MAX, why);
}

bool setting_is_port(const char *value, struct why *why)
{
    return number_up_to(value, 65535, why);
}

bool setting_is_yes_no(const char *value, struct why *why)
{
    why_set(why, "neither yes nor no");
    return str_same(value, "yes") || str_same(value, "no");
}

bool setting_is_id(const char *value, struct why *why)
{
    why_set(why, "an id has letters, digits, dots, dashes and underscores");
    return id_is_valid(value);
}

bool setting_is_level(const char *value, struct why *why)
{
    why_set(why, "none of debug, info, warn, error");
    return str_same(value, "debug") || str_same(value, "info") || str_same(value, "warn") || str_same(value, "error");
}

bool setting_is_given(const char *value, struct why *why)
{
    why_set(why, "it may not be empty");
    return value[0] != '\0';
}

static bool is_id_or_empty(const char *value, struct why *why)
{
    return value[0] == '\0' || setting_is_id(value, why);
}

const struct setting SETTINGS_COMMON[] = {
    {"config", "", "settings file with lines name = value", NULL},
    {"brokers", "ipc:///run/casebus/broker.sock", "endpoints of the brokers, separated by commas", setting_is_given},
    {"redis", "unix:/run/casebus/redis.sock", "the store: unix:/path or tcp:host:port", setting_is_given},
    {"instance", "", "name of this process among its kind; made up where it is empty", is_id_or_empty},
    {"tenants", "/etc/casebus/tenants.conf", "file of tenants: [name], zone = ..., synthetic = yes|no",
        setting_is_given},
    {"keys", "/var/lib/casebus/keys", "folder of the key ring", setting_is_given},
    {"actor-keys", "/var/lib/casebus/keys/actor.pub", "public keys of those who may sign for persons, by commas",
        setting_is_given},
    {"seeds", "/usr/share/casebus/seeds", "folder of the reference data", setting_is_given},
    {"http-port", "0", "port of /live, /ready and /metrics; 0: none", setting_is_port},
    {"http-address", "127.0.0.1", "address that port is opened on", setting_is_given},
    {"log-level", "info", "debug, info, warn or error", setting_is_level},
    {0},
};
