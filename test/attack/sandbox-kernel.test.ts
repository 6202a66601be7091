/** Ways out of the sandbox through the kernel, the network and other processes; no host takes part. */
import { execFileSync } from "node:child_process";
import { chmodSync, existsSync, readFileSync } from "node:fs";
import { createServer, type Server } from "node:net";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { PathRule } from "../../src/permissions/path-access.ts";
import { eachUser, readAll, systemCall, until } from "./confined-place.ts";

eachUser((place) => {
  const alive = (): string => readFileSync(join(place.work, "alive"), "utf8");
  const { codexHome, farhelmHome, outside, uid, work } = place;

  test("works in its folder, and writes nowhere else", async () => {
    place.put(join(outside, "file"), "as it was");
    const tries = [
      "/etc",
      "/usr",
      "/var",
      "/root",
      "/",
      outside,
      "/proc/sys/kernel",
      "/sys",
      "/dev",
    ];
    const { out, code } = await place.run(
      `echo one > file && mkdir -p a/b && mv file a/b && cat a/b/file
for at in ${tries.join(" ")} /tmp; do echo x > "$at/farhelm-escape" && echo "WROTE $at"; done 2>/dev/null
echo x >> ${outside}/file; rm ${outside}/file; mv ${outside} ${outside}2; chmod 777 ${outside}; true`,
    );
    expect({ out, code }).toEqual({ out: "one\n", code: 0 });
    expect(readFileSync(join(outside, "file"), "utf8")).toBe("as it was");
  });

  test.each([
    ["where something may be written", () => place.workspace()],
    ["where nothing may", () => ({ rules: [readAll] })],
  ])(
    "%s, has no capability, no way to one, and no file of the host's open",
    async (_, confinement) => {
      const { out } = await place.run(
        `grep -E "^(Cap|NoNewPrivs|Seccomp:)" /proc/self/status | tr -s "\\t " " " | sort | uniq
for f in /proc/self/fd/*; do f=\${f##*/}; [ $f -gt 2 ] && [ -e /proc/$$/fd/$f ] && readlink /proc/$$/fd/$f; done; id -u
(echo x > /proc/self/oom_score_adj) 2>/dev/null && echo WROTE; true`,
        confinement(),
      );
      const none = "0000000000000000";
      expect(out.trim().split("\n")).toEqual([
        ...["Amb", "Bnd", "Eff", "Inh", "Prm"].map((set) => `Cap${set}: ${none}`),
        "NoNewPrivs: 1",
        "Seccomp: 2",
        String(uid),
      ]);
    },
  );

  test("remounts nothing, unmounts nothing and makes no namespace to do so in", async () => {
    const { out } = await place.run(
      `try() { "$@" >/dev/null 2>&1 && echo "WORKED: $*"; }
try mount -o remount,rw /
try mount -o remount,rw,bind ${outside}
try mount -t tmpfs none ${work}
try mount -t proc none ${work}
try mount --bind /etc ${work}
try umount ${farhelmHome}
try umount -l ${codexHome}
try umount /proc
try unshare -U true
try unshare -Ur true
try unshare -Urm true
try unshare -m true
try unshare -n true
try nsenter -t 1 -m true
try chroot / true
try bwrap --ro-bind / / true
try bwrap --unshare-user --bind / / true
${systemCall("mount_setattr", 442)}
${systemCall("open_tree", 428, "-100", '"/"', "1")}
${systemCall("fsopen", 430, '"tmpfs"', "0")}
${systemCall("clone3", 435)}
${systemCall("setns", 308, "0", "0")}
${systemCall("open_by_handle_at", 304)}
echo done`,
    );
    expect(out).toBe("done\n");
  });

  test("sees no process of the host, by no name of it", async () => {
    const host = process.pid;
    const { out } = await place.run(
      `[ "$(ls -d /proc/[0-9]* | wc -l)" -lt 10 ] || echo "SAW PROCESSES"
kill -0 ${host} 2>/dev/null && echo "SAW THE HOST"
for root in /proc/[0-9]*/root /proc/[0-9]*/cwd /proc/self/root /proc/self/task/$$/root; do
  cat $root${farhelmHome}/issuer-key.json $root${codexHome}/auth.json 2>/dev/null
  (echo x > $root${outside}/made) 2>/dev/null && echo "WROTE BY $root"
done
cat /proc/*/environ 2>/dev/null | tr "\\0" "\\n" | grep FARHELM
for file in sys/kernel/core_pattern sys/kernel/modprobe sys/vm/drop_caches sysrq-trigger 1/oom_score_adj 1/mem self/mem self/uid_map; do
  (exec 3<>/proc/$file) 2>/dev/null && echo "OPENED $file"
done
for file in kcore kmsg kpageflags; do head -c 1 /proc/$file 2>/dev/null; done
for file in /sys/kernel/uevent_helper /sys/power/state /dev/mem /dev/kmsg /dev/vda /dev/sda; do
  (exec 3<>$file) 2>/dev/null && echo "OPENED $file"
done
echo done`,
    );
    expect(out).toBe("done\n");
  });

  test("traces nothing, and asks the kernel for none of its keys, rings and programs", async () => {
    const { out } = await place.run(
      `sleep 30 & other=$!
${systemCall("ptrace attach", 101, "16", "$ENV{other}", "0", "0")}
${systemCall("ptrace seize", 101, "16902", "1", "0", "0")}
${systemCall("process_vm_readv", 310, "$ENV{other}", "0", "0", "0", "0", "0")}
${systemCall("keyctl", 250, "0", "-3", "1")}
${systemCall("bpf", 321, "0", "0", "0")}
${systemCall("userfaultfd", 323, "0")}
${systemCall("io_uring_setup", 425, "1", "0")}
${systemCall("perf_event_open", 298, "0", "0", "-1", "-1", "0")}
kill $other; echo done`,
    );
    expect(out).toBe("done\n");
  });

  test("types into no terminal", async () => {
    const { out } = await place.run(
      `perl -e 'for my $request (0x5412, 0x541c) { my $c = "x"; open(my $tty, "+<", "/dev/ptmx") or next; print "TYPED\\n" if ioctl($tty, $request, $c); print $! + 0, "\\n" }'
(exec 3<>/dev/tty) 2>/dev/null && echo "HAS A TERMINAL"; echo done`,
    );
    expect(out).toBe("1\n1\ndone\n");
  });

  describe("the network", () => {
    let server: Server;
    let port = 0;
    let reached = 0;
    beforeAll(async () => {
      server = createServer((socket) => {
        reached += 1;
        socket.destroy();
      });
      await new Promise<void>((resolve) => {
        server.listen(0, "127.0.0.1", resolve);
      });
      const address = server.address();
      if (address !== null && typeof address === "object") ({ port } = address);
    });
    afterAll(() => void server.close());

    const connect = (): string =>
      `(exec 3<>/dev/tcp/127.0.0.1/${port}) 2>/dev/null && echo CONNECTED`;

    test("off, reaches nobody: not this machine, not by name, not raw", async () => {
      const { out } = await place.run(
        `${connect()}
for address in 8.8.8.8 1.1.1.1; do (exec 3<>/dev/tcp/$address/53) 2>/dev/null && echo CONNECTED; (exec 3<>/dev/udp/$address/53; echo x >&3) 2>/dev/null && echo SENT; done
getent hosts example.com; ping -c 1 -W 1 127.0.0.1 >/dev/null 2>&1 && echo PINGED
${socket("RAW", "AF_INET, SOCK_RAW, 1")}
${socket("PACKET", "17, SOCK_RAW, 768")}
${socket("PACKET", "17, SOCK_DGRAM, 768")}
${socket("VSOCK", "40, SOCK_STREAM, 0")}
${socket("ALG", "38, 5, 0")}
ls /sys/class/net | grep -v "^lo$" >/dev/null; cat /proc/net/dev | grep -c :`,
      );
      expect(out).toBe("1\n");
      expect(reached).toBe(0);
    });

    test("on, reaches this machine, and still nobody by raw packets", async () => {
      const { out } = await place.run(
        `${connect()}
${socket("RAW", "AF_INET, SOCK_RAW, 1")}
${socket("PACKET", "17, SOCK_RAW, 768")}
${socket("VSOCK", "40, SOCK_STREAM, 0")}`,
        { ...place.workspace(), network: true },
      );
      expect(out).toBe("CONNECTED\n");
      expect(reached).toBe(1);
    });

    test.each([
      ["off", false],
      ["on", true],
    ])("%s, reaches no Unix socket of the host", async (_, network) => {
      const path = join(work, "host.sock");
      const name = `farhelm-${process.pid}-${uid}-${network}`;
      let heard = 0;
      const listening = [path, `\0${name}`].map((at) =>
        createServer(() => {
          heard += 1;
        }).listen(at),
      );
      await Promise.all(
        listening.map(
          (one) =>
            new Promise<void>((resolve) =>
              one.listening ? resolve() : one.once("listening", resolve),
            ),
        ),
      );
      chmodSync(path, 0o777);
      const { out } = await place.run(
        `perl -MSocket -e 'for my $at ("${path}", "\\0${name}") { socket(my $s, AF_UNIX, SOCK_STREAM, 0) or next; connect($s, pack_sockaddr_un($at)) and print "CONNECTED\\n" }
socketpair(my $a, my $b, AF_UNIX, SOCK_DGRAM, 0) and print "PAIR\\n";
socketpair(my $c, my $d, AF_UNIX, SOCK_STREAM, 0) or print "NO PAIR\\n"; connect($c, pack_sockaddr_un("${path}")) and print "CONNECTED\\n"'
echo done`,
        { ...place.workspace(), network },
      );
      for (const one of listening) one.close();
      expect({ out, heard }).toEqual({ out: "done\n", heard: 0 });
    });
  });

  test("an environment steers nothing outside of the sandbox", async () => {
    place.put(join(work, "start"), `echo started >> ${outside}/started; echo inside\n`);
    const { out } = await place.run("echo $LD_DEBUG_OUTPUT", {
      ...place.workspace(),
      environment: {
        BASH_ENV: join(work, "start"),
        ENV: join(work, "start"),
        LD_DEBUG: "libs",
        LD_DEBUG_OUTPUT: join(outside, "loader"),
        "BASH_FUNC_exec%%": `() { echo x > ${outside}/function; }`,
        SHELLOPTS: "xtrace",
        PS4: `$(echo x > ${outside}/prompt)`,
      },
    });
    // the loader writes where it cannot make its file
    const said = out.split("\n").filter((line) => !/^ *\d+:/.test(line));
    expect(said).toEqual(["inside", join(outside, "loader"), ""]);
    expect(out).not.toContain("/usr/bin/bwrap");
    expect(execFileSync("ls", ["-A", outside], { encoding: "utf8" })).toBe("");
  });

  test("nothing goes on when what was started is killed", async () => {
    const command = place.commands.begin(
      "(setsid nohup sh -c 'while :; do date +%N > alive; sleep 0.05; done' >/dev/null 2>&1 &); while [ ! -e alive ]; do sleep 0.05; done; echo x > ready; sleep 600",
      place.workspace(),
    );
    await until(() => existsSync(join(work, "ready")));
    command.kill();
    await command.answer;
    let before = "";
    await until(() => {
      const isSame = before === alive();
      before = alive();
      execFileSync("sleep", ["0.3"]);
      return isSame;
    });
    expect(alive()).toBe(before);
  });

  test("a profile with little to read shows no more than that", async () => {
    const minimal = [
      "/bin",
      "/sbin",
      "/usr",
      "/lib",
      "/lib32",
      "/lib64",
      "/libx32",
      "/etc",
      "/dev",
      "/proc",
    ];
    place.put(join(outside, "file"));
    const { out } = await place.run(
      `ls / | tr "\\n" " "; cat ${outside}/file 2>/dev/null; touch /made 2>/dev/null && echo WROTE; echo x > file; cat file`,
      {
        rules: [
          ...minimal.map((path): PathRule => ({ path, access: "read" })),
          { path: work, access: "write" },
        ],
        cwd: work,
      },
    );
    expect(out).toMatch(/^bin dev etc lib .*x\n$/s);
    expect(out).not.toMatch(/home|root|canary|WROTE/);
  });

  test("a private /tmp is empty, and gone afterwards", async () => {
    const { out } = await place.run(
      "ls -A /tmp | grep -v farhelm-sandbox; echo x > /tmp/made; cat /tmp/made file",
      {
        ...place.workspace(),
        privateTmp: true,
      },
    );
    expect(out).toBe("x\n");
    expect(existsSync("/tmp/made")).toBe(false);
  });
});

const socket = (name: string, args: string): string =>
  `perl -MSocket -e 'socket(my $s, ${args}) and print "${name}\\n"'`;
