/* See unix_peers.h. */
#include "collector/doctor/unix_peers.h"

#include <errno.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <linux/sock_diag.h>
#include <linux/unix_diag.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "support/vec.h"

enum { ANSWER_BYTES = 32768, ANSWER_SECONDS = 2 };

static int ask(int fd)
{
    struct {
        struct nlmsghdr header;
        struct unix_diag_req request;
    } message = {
        .header = {.nlmsg_len = sizeof message,
                   .nlmsg_type = SOCK_DIAG_BY_FAMILY,
                   .nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP},
        .request = {.sdiag_family = AF_UNIX,
                    .udiag_states = UINT32_MAX,
                    .udiag_show = UDIAG_SHOW_NAME | UDIAG_SHOW_PEER},
    };
    return send(fd, &message, sizeof message, 0) < 0 ? -errno : 0;
}

static void take_attribute(struct unix_socket *socket, const struct rtattr *attribute)
{
    size_t size = RTA_PAYLOAD(attribute);
    if (attribute->rta_type == UNIX_DIAG_PEER && size >= sizeof socket->peer)
        memcpy(&socket->peer, RTA_DATA(attribute), sizeof socket->peer);
    if (attribute->rta_type == UNIX_DIAG_NAME && size < sizeof socket->name)
        memcpy(socket->name, RTA_DATA(attribute), size);
}

static int add_socket(struct unix_sockets *sockets, const struct nlmsghdr *header)
{
    const struct unix_diag_msg *message = NLMSG_DATA(header);
    struct unix_socket socket = {.inode = message->udiag_ino};
    size_t left = header->nlmsg_len - NLMSG_LENGTH(sizeof *message), step;
    for (const char *at = (const char *)(message + 1); left >= sizeof(struct rtattr); at += step, left -= step) {
        const struct rtattr *attribute = (const void *)at;
        if (attribute->rta_len < sizeof *attribute || attribute->rta_len > left)
            break;
        take_attribute(&socket, attribute);
        step = RTA_ALIGN(attribute->rta_len) < left ? RTA_ALIGN(attribute->rta_len) : left;
    }
    int error = VEC_RESERVE(sockets->items, sockets->count, sockets->capacity, 1);
    if (!error)
        sockets->items[sockets->count++] = socket;
    return error;
}

static int take_error(const struct nlmsghdr *header)
{
    const struct nlmsgerr *message = NLMSG_DATA(header);
    return message->error < 0 ? message->error : -EPROTO;
}

/* One datagram of the answer. 1 = it was the last. */
static int take_answer(struct unix_sockets *sockets, const void *bytes, size_t size)
{
    int error = 0;
    for (const struct nlmsghdr *header = bytes; !error && NLMSG_OK(header, size); header = NLMSG_NEXT(header, size)) {
        if (header->nlmsg_type == NLMSG_DONE)
            return 1;
        if (header->nlmsg_type == NLMSG_ERROR)
            return take_error(header);
        if (header->nlmsg_len >= NLMSG_LENGTH(sizeof(struct unix_diag_msg)))
            error = add_socket(sockets, header);
    }
    return error;
}

static int read_answers(int fd, struct unix_sockets *sockets)
{
    _Alignas(struct nlmsghdr) char bytes[ANSWER_BYTES];
    for (;;) {
        ssize_t got = recv(fd, bytes, sizeof bytes, 0);
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            return -errno;
        int done = take_answer(sockets, bytes, (size_t)got);
        if (done)
            return done < 0 ? done : 0;
    }
}

int unix_sockets_read(struct unix_sockets *sockets)
{
    *sockets = (struct unix_sockets){0};
    struct timeval timeout = {.tv_sec = ANSWER_SECONDS};
    int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_SOCK_DIAG);
    if (fd < 0)
        return -errno;
    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &timeout, sizeof timeout);
    int error = ask(fd);
    if (!error)
        error = read_answers(fd, sockets);
    close(fd);
    return error;
}

void unix_sockets_fini(struct unix_sockets *sockets)
{
    free(sockets->items);
    *sockets = (struct unix_sockets){0};
}

static const struct unix_socket *find(const struct unix_sockets *sockets, uint64_t inode)
{
    for (size_t i = 0; i < sockets->count; i++)
        if (sockets->items[i].inode == inode)
            return &sockets->items[i];
    return NULL;
}

const char *unix_sockets_peer(const struct unix_sockets *sockets, uint64_t inode)
{
    const struct unix_socket *socket = find(sockets, inode);
    const struct unix_socket *peer = socket && socket->peer ? find(sockets, socket->peer) : NULL;
    return peer ? peer->name : NULL;
}
