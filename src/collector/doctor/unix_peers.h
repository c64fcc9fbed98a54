/*
 * To whom connected Unix sockets lead, as the kernel tells everybody (sock_diag(7)): what `ss -xp` shows.
 * Covers the sockets of our own network namespace. Not thread-safe.
 */
#ifndef COLLECTOR_DOCTOR_UNIX_PEERS_H
#define COLLECTOR_DOCTOR_UNIX_PEERS_H

#include <stddef.h>
#include <stdint.h>
#include <sys/un.h>

struct unix_socket {
    uint32_t inode, peer;                                     /* peer 0 = not connected */
    char name[sizeof((struct sockaddr_un *)0)->sun_path + 1]; /* "" = none */
};

struct unix_sockets {
    struct unix_socket *items;
    size_t count, capacity;
};

/* All that there are. 0 or a negative errno; unix_sockets_fini is legal after both. */
int unix_sockets_read(struct unix_sockets *sockets);
void unix_sockets_fini(struct unix_sockets *sockets);

/* The name of the socket at the other end of the socket `inode`: a listener's for one that it accepted. NULL = unknown.
 */
const char *unix_sockets_peer(const struct unix_sockets *sockets, uint64_t inode);

#endif
