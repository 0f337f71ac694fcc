#pragma once
#include <dirent.h>
#include <fcntl.h>
#include <malloc.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <grp.h>
#include <pwd.h>
#include <signal.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/file.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/sendfile.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/timerfd.h>
#include <sys/uio.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

// Extensions that the importer hides: glibc declares them under _GNU_SOURCE only, or as variadic.
int accept4(int, struct sockaddr *, socklen_t *, int);
int pipe2(int[2], int);
void *memmem(const void *, size_t, const void *, size_t);

static inline int name_this_thread(const char *name) { return prctl(PR_SET_NAME, name, 0, 0, 0); }

static inline int bytes_to_read(int descriptor) {
  int count = 0;
  return ioctl(descriptor, FIONREAD, &count) == 0 ? count : 0;
}

// A hash for tables in memory: 128-bit products folded, a few instructions for 16 bytes. With a
// secret seed its collisions cannot be looked for; where it decides nothing alone, that is enough.
static inline unsigned long long hash_bytes(const void *bytes, size_t count,
                                            unsigned long long seed) {
  const unsigned char *next = (const unsigned char *)bytes;
  unsigned long long hash = seed ^ (count * 0x9E3779B97F4A7C15ull);
  while (count > 0) {
    unsigned long long first = 0, second = 0;
    size_t taken = count < 16 ? count : 16;
    if (taken == 16) {
      __builtin_memcpy(&first, next, 8);
      __builtin_memcpy(&second, next + 8, 8);
    } else {
      __builtin_memcpy(&first, next, taken < 8 ? taken : 8);
      if (taken > 8) __builtin_memcpy(&second, next + 8, taken - 8);
    }
    unsigned __int128 product = (unsigned __int128)(first ^ hash ^ 0xD6E8FEB86659FD93ull) *
                                (second ^ seed ^ 0xA0761D6478BD642Full);
    hash = (unsigned long long)(product >> 64) ^ (unsigned long long)product;
    next += taken;
    count -= taken;
  }
  return hash;
}

// Starts a program as another user, in a session of its own, with its output on one descriptor; it
// is sent a signal when the thread that started it is gone. Between fork and exec only system calls
// are made, since other threads may hold any lock (signal-safety(7)). A uid of -1 changes no user.
static inline pid_t spawn_supervised(const char *path, char *const *arguments,
                                     char *const *environment, uid_t uid, gid_t gid, int output,
                                     int death_signal) {
  const pid_t parent = getpid();
  const pid_t child = fork();
  if (child != 0) return child;
  sigset_t none;
  sigemptyset(&none);
  sigprocmask(SIG_SETMASK, &none, 0);
  for (int number = 1; number < 32; number++) signal(number, SIG_DFL);
  setsid();
  if (uid != (uid_t)-1) {
    if (syscall(SYS_setgroups, 1, &gid) != 0 || syscall(SYS_setresgid, gid, gid, gid) != 0 ||
        syscall(SYS_setresuid, uid, uid, uid) != 0)
      _exit(126);
  }
  // After the change of user, which clears it (prctl(2)).
  prctl(PR_SET_PDEATHSIG, death_signal, 0, 0, 0);
  if (getppid() != parent) _exit(126);
  const int nothing = open("/dev/null", O_RDONLY);
  dup2(nothing, 0);
  dup2(output, 1);
  dup2(output, 2);
  syscall(SYS_close_range, 3, ~0U, 0);
  if (chdir("/") != 0) _exit(126);
  execve(path, arguments, environment);
  _exit(127);
}

static inline int exit_status(int status) { return WIFEXITED(status) ? WEXITSTATUS(status) : -1; }

// Swift has no thread-local variables. Each object file that inlines this has its own, so it is
// called from one Swift function only, and that one is never inlined.
static inline long *thread_shard(void) {
  static _Thread_local long shard;
  return &shard;
}
