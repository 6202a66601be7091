/** Ways out of the sandbox past its proxy, and through it to what it must not lead to; no host takes part. */
import { chmodSync, readFileSync } from "node:fs";
import { createServer as createWebServer } from "node:http";
import { createServer, type AddressInfo, type Server } from "node:net";
import { networkInterfaces } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { Proxied } from "../helpers/confined-order.ts";
import type { Confinement } from "../helpers/confined-commands.ts";
import { eachUser, systemCall } from "./confined-place.ts";

const portOf = (address: AddressInfo | string | null): number =>
  address !== null && typeof address === "object" ? address.port : 0;

const listening = (server: Server, host?: string): Promise<number> =>
  new Promise((resolve) => {
    server.listen(0, host, () => resolve(portOf(server.address())));
  });

/** An address of this machine in a network, where it has one. */
const outerAddress = Object.values(networkInterfaces())
  .flatMap((list) => list ?? [])
  .find(({ internal, family }) => !internal && family === "IPv4")?.address;

eachUser((place) => {
  describe("a command behind the proxy", () => {
    const { work, uid } = place;
    /** What its requests said. */
    const asked: string[] = [];
    const site = createWebServer((request, response) => {
      asked.push(`${request.method} ${request.headers.host} ${request.url}`);
      response.end("from the site\n");
    });
    /** Some service of this machine, which nobody may reach. */
    let reached = 0;
    const service = createServer((socket) => {
      reached += 1;
      socket.destroy();
    });
    let sitePort = 0;
    let port = 0;
    beforeAll(async () => {
      sitePort = await listening(site, "127.0.0.1");
      port = await listening(service);
    });
    afterAll(() => {
      site.close();
      service.close();
    });

    const behind = (given: Partial<Proxied> = {}): Confinement => ({
      ...place.workspace(),
      network: {
        allowed: ["site.test"],
        denied: [],
        allowsLocal: false,
        addresses: {},
        answer: "closed",
        ...given,
      },
    });
    /** The names of tests lead to this machine, which must be allowed for them. */
    const toSite = (given: Partial<Proxied> = {}): Confinement =>
      behind({ allowsLocal: true, addresses: { "site.test": ["127.0.0.1"] }, ...given });

    test("reaches an allowed host by the usual programs, in both ways", async () => {
      asked.length = 0;
      const at = `site.test:${sitePort}`;
      const { out, err } = await place.run(
        `curl -sS -m 20 http://${at}/plain
curl -sS -m 20 -p http://${at}/tunnel
curl -sS -m 20 --noproxy '' -H 'Host: elsewhere.test' http://${at}/named
exec 3<>/dev/tcp/127.0.0.1/\${HTTP_PROXY##*:}
printf 'GET http://${at}/bare HTTP/1.0\\r\\n\\r\\n' >&3; tail -n 1 <&3`,
        toSite(),
      );
      expect({ out, err }).toEqual({ out: "from the site\n".repeat(4), err: "" });
      expect(asked).toEqual([
        `GET ${at} /plain`,
        `GET ${at} /tunnel`,
        `GET ${at} /named`,
        `GET ${at} /bare`,
      ]);
    });

    test("is told why where it may not go", async () => {
      const { out } = await place.run(
        `curl -sS -m 20 http://other.test/
curl -sS -m 20 http://evil.test/
curl -sS -m 20 https://other.test/ 2>&1; true`,
        toSite({ denied: ["evil.test"] }),
      );
      expect(out.split("\n").map((line) => line.split(":")[0])).toEqual([
        "network_host_unlisted",
        "network_host_denied",
        expect.stringContaining("curl"),
        "",
      ]);
    });

    test("has no other network: no address, no name, no packet, no neighbour", async () => {
      reached = 0;
      const addresses = ["127.0.0.1", "::1", ...(outerAddress ? [outerAddress] : [])];
      const { out } = await place.run(
        `${addresses.map((address) => `(exec 3<>/dev/tcp/${address}/${port}) 2>/dev/null && echo "CONNECTED ${address}"`).join("\n")}
for address in 8.8.8.8 1.1.1.1 169.254.169.254; do (exec 3<>/dev/tcp/$address/53) 2>/dev/null && echo CONNECTED; (exec 3<>/dev/udp/$address/53; echo x >&3) 2>/dev/null && echo SENT; done
getent hosts example.com
curl -sS -m 5 --noproxy '*' http://site.test:${sitePort}/ 2>/dev/null
perl -MSocket -e 'for ([AF_INET, SOCK_RAW, 1], [17, SOCK_RAW, 768], [40, SOCK_STREAM, 0], [AF_UNIX, SOCK_STREAM, 0]) { socket(my $s, @$_) and print "SOCKET @$_\\n" }'
cat /proc/net/dev | grep -c :
grep -c . /proc/net/unix`,
        toSite(),
      );
      // the table of Unix sockets has its head alone
      expect(out).toBe("1\n1\n");
      expect(reached).toBe(0);
    });

    test("goes to nothing of this machine through it, by no name and no spelling", async () => {
      reached = 0;
      const names =
        "127.0.0.1 localhost 0x7f.1 2130706433 0 0.0.0.0 [::1] [::] [::ffff:127.0.0.1] LOCALHOST. a.localhost loop.test mapped.test metadata.test 169.254.169.254"
          .split(" ")
          .concat(outerAddress ? ["outer.test"] : []);
      const { out } = await place.run(
        `export NO_PROXY= no_proxy=
for name in ${names.map((name) => `'${name}'`).join(" ")}; do
curl -s -m 20 -o /dev/null -w '%{http_code} ' http://$name:${port}/
curl -s -m 20 -o /dev/null -p -w '%{http_connect}\\n' http://$name:${port}/
done`,
        behind({
          allowed: ["*"],
          answer: "allowed",
          addresses: {
            "loop.test": ["127.0.0.1", "::1"],
            "mapped.test": ["::ffff:127.0.0.1"],
            "metadata.test": ["169.254.169.254"],
            "outer.test": [outerAddress ?? ""],
          },
        }),
      );
      expect(out).toBe("403 403\n".repeat(names.length));
      expect(reached).toBe(0);
    });

    test("smuggles no second request past the rules", async () => {
      asked.length = 0;
      const at = `site.test:${sitePort}`;
      const inner = "GET /smuggled HTTP/1.1\r\n\r\n";
      const close = `Host: ${at}\r\nConnection: close\r\n`;
      const chunked = "Transfer-Encoding: chunked\r\n";
      const tries = [
        `GET http://${at}/1 HTTP/1.1\r\n${close}${chunked}\r\n${inner.length.toString(16)}\r\n${inner}\r\n0\r\n\r\n`,
        `POST http://${at}/3 HTTP/1.1\r\n${close}Content-Length: 4\r\n${chunked}\r\n0\r\n\r\n${inner}`,
        `GET http://${at}/4 HTTP/1.1\r\n${close}X: a\rHost: evil.test\r\n\r\n`,
        `GET http://${at}/5\r\n HTTP/1.1\r\n${close}\r\n`,
        `CONNECT ${at}\r\nX: y HTTP/1.1\r\n${close}\r\n`,
        `GET http://${at}@evil.test/6 HTTP/1.1\r\n${close}\r\n`,
        `GET http://evil.test#${at}/7 HTTP/1.1\r\n${close}\r\n`,
        `GET http://evil.test\\@${at}/8 HTTP/1.1\r\n${close}\r\n`,
        `GET http://evil.test/9 HTTP/1.1\r\n${close}\r\n`,
      ];
      for (const [index, text] of tries.entries()) place.put(join(work, `try-${index}`), text);
      const { out, err } = await place.run(
        String.raw`for index in ${tries.map((_, index) => index).join(" ")}; do
perl -MIO::Socket::INET -e '$SIG{PIPE} = "IGNORE"; my ($port) = $ENV{HTTP_PROXY} =~ /(\d+)$/; my $s = IO::Socket::INET->new("127.0.0.1:$port"); local $/; open(my $f, "<", $ARGV[0]); $s->print(<$f>); $s->flush; my $a = <$s>; $a =~ s/\r.*//s; print "$a\n"' try-$index
done`,
        toSite(),
      );
      expect(err).toBe("");
      expect(out.split("\n").map((line) => line.split(" ")[1])).toEqual([
        "200",
        ...Array.from({ length: 7 }, () => "400"),
        "403",
        undefined,
      ]);
      expect(asked).toEqual([`GET ${at} /1`]);
    });

    test("meets no other command's proxy, and nobody outside meets its own", async () => {
      const first = place.commands.begin(
        `echo \${HTTP_PROXY##*:} > first; while [ ! -e done ]; do sleep 0.05; done`,
        toSite(),
      );
      const { out } = await place.run(
        `while [ ! -s first ]; do sleep 0.05; done
(exec 3<>/dev/tcp/127.0.0.1/$(cat first)) 2>/dev/null && [ "$(cat first)" != \${HTTP_PROXY##*:} ] && echo CONNECTED
nc=/proc/net/tcp; grep -c " 0A " $nc`,
        toSite(),
      );
      const outside = Number(readFileSync(join(work, "first"), "utf8"));
      place.put(join(work, "done"));
      await first.answer;
      expect(out).toBe("1\n");
      const sockets = readFileSync("/proc/net/tcp", "utf8");
      expect(sockets).not.toMatch(
        new RegExp(`0100007F:${outside.toString(16).toUpperCase().padStart(4, "0")} .* 0A `),
      );
    });

    test("cannot leave its network, and reaches no Unix socket of the host", async () => {
      const path = join(work, "host.sock");
      let heard = 0;
      const host = createServer(() => {
        heard += 1;
      });
      await new Promise<void>((resolve) => {
        host.listen(path, resolve);
      });
      chmodSync(path, 0o777);
      const { out } = await place.run(
        `try() { "$@" >/dev/null 2>&1 && echo "WORKED: $*"; }
try nsenter -t 1 -n true
try nsenter --net=/proc/1/ns/net true
try unshare -n true
try unshare -Un true
try ip link set lo down
${systemCall("setns", 308, "0", "0")}
perl -MSocket -e 'socket(my $s, AF_UNIX, SOCK_STREAM, 0) and connect($s, pack_sockaddr_un("${path}")) and print "CONNECTED\\n"'
curl -s -m 5 --unix-socket ${path} http://localhost/ && echo CONNECTED
for f in /proc/self/fd/*; do f=\${f##*/}; [ $f -gt 2 ] && [ -e /proc/$$/fd/$f ] && readlink /proc/$$/fd/$f; done
id -u`,
        toSite(),
      );
      host.close();
      expect({ out, heard }).toEqual({ out: `${uid}\n`, heard: 0 });
    });
  });
});
