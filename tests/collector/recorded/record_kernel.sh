#!/bin/sh
# Makes kernel.tar.gz again: three traces of a real kernel, by the real lttng-modules, of Debian 12 in an emulated machine.
# Needs a network, some 2 GB and five minutes; nothing of it is installed. usage: record_kernel.sh FOLDER (a new one)
#
#     sched      sched_*, futex system calls; contexts pid, tid, procname
#     syscalls   every system call, the statedump; contexts vpid, vtid, ppid, nice, hostname, interruptible
#     all        every tracepoint and system call; contexts procname, tid, need_reschedule, both call stacks
#
# What is in there was recorded so with linux-image 6.1.192-2, lttng-modules 2.13.9-1+deb12u1 and lttng-tools 2.13.9. Of
# lttng-modules the probe `timer` is left out, which does not build with that kernel; the context prio is not used, with
# which it dereferences NULL there.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
mkdir "$1"
cd "$1"
packages="lttng-modules-dkms busybox-static"
build="qemu-system-x86 cpio kmod lttng-tools gcc make"

# ---- kernel, its headers and modules: unpacked, not installed ----

say() { printf '%s\n' "$*" >&2; }

for package in $build; do
    [ "$(dpkg-query -W -f='${db:Status-Status}' "$package" 2>/dev/null)" = installed ] || missing="${missing:-} $package"
done
[ -z "${missing:-}" ] || {
    say "install first:$missing"
    exit 1
}
image=$(apt-cache depends linux-image-amd64 | sed -n 's/.*Depends: //p')
version=${image#linux-image-}
common=linux-headers-${version%-amd64}-common
mkdir debs root
(cd debs && apt-get download -q "$image" "linux-headers-$version" "$common" linux-kbuild-6.1 $packages)
for deb in debs/*.deb; do
    dpkg -x "$deb" root
done
modules=$(echo root/usr/src/lttng-modules-*)
sed -i 's/^\(.*lttng-probe-timer.o\)/# \1/' "$modules/src/probes/Kbuild"
say "building ${modules##*/} for $version"
# The headers include each other by absolute names.
unshare --mount --propagation private sh -ec '
    mount --bind root/usr/src /usr/src
    mkdir -p /usr/lib/linux-kbuild-6.1
    mount --bind root/usr/lib/linux-kbuild-6.1 /usr/lib/linux-kbuild-6.1
    make -C "/usr/src/$1" -j2 KERNELDIR="/usr/src/linux-headers-$2"' sh "${modules##*/}" "$version" >build.log 2>&1

# ---- what is recorded: three threads at one mutex ----

cat >work.c <<'C'
#include <pthread.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <unistd.h>

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static int rounds;

static void *run(void *name)
{
    prctl(PR_SET_NAME, name);
    for (int i = 0; i < rounds; i++) {
        pthread_mutex_lock(&lock);
        usleep(200);
        pthread_mutex_unlock(&lock);
    }
    return NULL;
}

int main(int argc, char **argv)
{
    static char *names[] = {"worker-a", "worker-b", "worker-c"};
    pthread_t threads[3];
    rounds = argc > 1 ? atoi(argv[1]) : 1;
    for (int i = 0; i < 3; i++)
        pthread_create(&threads[i], NULL, run, names[i]);
    for (int i = 0; i < 3; i++)
        pthread_join(threads[i], NULL);
    return 0;
}
C

# ---- the machine: everything in an initramfs, the traces on a raw disk ----

mkdir -p init/bin init/dev init/proc init/sys init/run init/tmp init/etc init/root init/var \
    init/usr/share/xml/lttng "init/lib/modules/$version/extra"
ln -s /run init/var/run
gcc -O1 -static -pthread -o init/bin/work work.c
cp root/bin/busybox init/bin/
for name in sh cat dd ls mkdir mount poweroff sleep sync tar; do
    ln -s busybox "init/bin/$name"
done
copy() { # each FILE with its libraries
    for file in "$@" $(ldd "$@" | grep -o '/[^ :)]*' | sort -u); do
        mkdir -p "init/$(dirname "$file")"
        cp -L "$file" "init/$file"
    done
}
copy /usr/bin/lttng /usr/bin/lttng-sessiond /usr/lib/x86_64-linux-gnu/lttng/libexec/lttng-consumerd /usr/sbin/modprobe
cp /usr/share/xml/lttng/*.xsd init/usr/share/xml/lttng/
drivers=root/lib/modules/$version/kernel/drivers
cp "$drivers"/virtio/*.ko "$drivers/block/virtio_blk.ko" $(find "$modules" -name '*.ko') "init/lib/modules/$version/extra"
strip --strip-debug "init/lib/modules/$version/extra"/*.ko
cp root/lib/modules/"$version"/modules.builtin* root/lib/modules/"$version"/modules.order "init/lib/modules/$version"
depmod -b init "$version"
echo 'root:x:0:0:root:/root:/bin/sh' >init/etc/passwd
printf 'root:x:0:\ntracing:x:100:\n' >init/etc/group

cat >init/init <<'INIT'
#!/bin/sh
export PATH=/bin:/usr/bin:/usr/sbin HOME=/root
mount -t proc proc /proc
mount -t sysfs sys /sys
mount -t devtmpfs dev /dev
mkdir -p /dev/shm /run/lttng
mount -t tmpfs shm /dev/shm
modprobe virtio_pci
modprobe virtio_blk
lttng-sessiond >/dev/null 2>&1 &
while [ ! -S /run/lttng/client-lttng-sessiond ]; do sleep 1; done

# begin NAME SUBBUFFER: a session with one channel; end: it is on disk.
begin() {
    lttng create "$1" -o "/tmp/traces/$1"
    lttng enable-channel -k --subbuf-size="$2" --num-subbuf=16 ch
}
end() {
    lttng stop
    lttng destroy
}

begin sched 16k
lttng enable-event -k -c ch sched_switch,sched_waking,sched_wakeup,sched_process_fork,sched_process_exit
lttng enable-event -k -c ch --syscall futex
lttng add-context -k -c ch -t pid -t tid -t procname
lttng start
work 12
end

begin syscalls 16k
lttng enable-event -k -c ch --syscall -a
lttng enable-event -k -c ch 'lttng_statedump_*'
lttng add-context -k -c ch -t vpid -t vtid -t ppid -t nice -t hostname -t interruptible
lttng start
work 4
ls -l /bin >/dev/null
end

begin all 64k
lttng enable-event -k -c ch -a
lttng add-context -k -c ch -t procname -t tid -t need_reschedule -t callstack-kernel -t callstack-user
lttng start
work 2
end

tar cf /tmp/traces.tar -C /tmp/traces .
dd if=/tmp/traces.tar of=/dev/vda bs=1M
sync
poweroff -f
INIT
chmod +x init/init
(cd init && find . | cpio -o -H newc --quiet | gzip -1) >initramfs.gz
truncate -s 64M disk
say "recording: see $PWD/console"
timeout 600 qemu-system-x86_64 -accel tcg -m 1024 -smp 2 -nographic -no-reboot -net none \
    -kernel "root/boot/vmlinuz-$version" -initrd initramfs.gz -append 'console=ttyS0 quiet panic=-1' \
    -drive file=disk,format=raw,if=virtio </dev/null >console 2>&1

# ---- what is kept: without index files ----

mkdir traces kept
tar xf disk -C traces
for trace in sched syscalls all; do
    mkdir "kept/$trace"
    cp traces/"$trace"/kernel/metadata traces/"$trace"/kernel/ch_* "kept/$trace"
done
tar --sort=name --mtime=@0 --owner=0 --group=0 -cf - -C kept sched syscalls all | gzip -9n >"$here/kernel.tar.gz"
say "$(ls -l "$here/kernel.tar.gz")"
