/* Prints JSON lines of benchmarks (standard input) as a table of at most 118 columns. With --check it prints nothing
 * and ends with 1 when there is no line, or one that is no row. */
#include <json-c/json.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

static double number(struct json_object *row, const char *name)
{
    return json_object_get_double(json_object_object_get(row, name));
}

static const char *text(struct json_object *row, const char *name)
{
    const char *value = json_object_get_string(json_object_object_get(row, name));
    return value != NULL ? value : "";
}

static bool is_row(struct json_object *row)
{
    static const char *const NEEDED[] = {"bench", "name", "figure", "unit", "spread", "pairs", "versions", "machine"};
    for (size_t i = 0; i < sizeof NEEDED / sizeof NEEDED[0]; i++) {
        if (!json_object_is_type(row, json_type_object) || json_object_object_get(row, NEEDED[i]) == NULL) {
            return false;
        }
    }
    return number(row, "figure") >= 0 && number(row, "pairs") >= 1;
}

/* "figure >= 31", "ratio <= 0.7": whether the row keeps to its bar. */
static const char *verdict(struct json_object *row)
{
    char of[16], sign[4];
    double bar;
    if (sscanf(text(row, "bar"), "%15s %3s %lf", of, sign, &bar) != 3) {
        return "";
    }
    double value = number(row, of);
    return (strcmp(sign, "<=") == 0 ? value <= bar : value >= bar) ? "ok" : "MISSED";
}

static void print_row(struct json_object *row)
{
    char figure[32], limit[32] = "", ratio[16] = "";
    snprintf(figure, sizeof figure, "%.*f %s", number(row, "figure") < 100 ? 2 : 0, number(row, "figure"),
        text(row, "unit"));
    if (json_object_object_get(row, "limit") != NULL) {
        snprintf(limit, sizeof limit, "%.*f", number(row, "limit") < 100 ? 2 : 0, number(row, "limit"));
        snprintf(ratio, sizeof ratio, "%.2f", number(row, "ratio"));
    }
    printf("%-60.60s %-9s %15s %11s %6s  %-15s %s\n", text(row, "name"), text(row, "fsync"), figure, limit, ratio,
        text(row, "bar"), verdict(row));
}

int main(int argc, char **argv)
{
    bool check = argc > 1 && strcmp(argv[1], "--check") == 0;
    char line[4096];
    size_t rows = 0;
    if (!check) {
        printf("%-60s %-9s %15s %11s %6s  %-15s\n", "what", "fsync", "figure", "limit", "ratio", "bar");
    }
    while (fgets(line, sizeof line, stdin) != NULL) {
        struct json_object *row = json_tokener_parse(line);
        if (row == NULL || !is_row(row)) {
            fprintf(stderr, "bench: no row: %s", line);
            return 1;
        }
        rows++;
        if (!check) {
            print_row(row);
        }
        json_object_put(row);
    }
    return rows > 0 ? 0 : 1;
}
