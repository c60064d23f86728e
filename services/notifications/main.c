#include "services/notifications/notifications.h"

int main(int argc, char **argv)
{
    return service_main(&NOTIFICATIONS, argc, argv);
}
