/** Reading what a profile denies, and what no command may see; no host takes part. */
import { execFileSync } from "node:child_process";
import { existsSync, linkSync, readFileSync, rmSync, symlinkSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, onTestFinished, test } from "vitest";
import type { Confinement } from "../helpers/confined-commands.ts";
import { eachUser, secret, until } from "./confined-place.ts";

eachUser((place) => {
  const { codexHome, farhelmHome, outside, root, work } = place;

  describe("what a profile denies", () => {
    const denying: Confinement = {
      ...place.workspace(),
      deniedGlobs: [`${work}/**/*.env`, `${work}/**/private`],
    };

    test("stays unread, by every other name for it", async () => {
      place.folder(join(work, "deep/er"));
      place.folder(join(work, "private"));
      place.put(join(work, "top.env"));
      place.put(join(work, "deep/er/low.env"));
      place.put(join(work, "private/notes"));
      place.put(join(outside, "target"));
      symlinkSync(join(work, "top.env"), join(outside, "to-denied"));
      symlinkSync(join(outside, "target"), join(work, "linked.env"));
      linkSync(join(work, "top.env"), join(work, "hard-link"));
      const { out } = await place.run(
        `cat top.env ./deep/../top.env ${work}/top.env ${work}//top.env /proc/self/cwd/top.env /proc/self/root${work}/top.env
cat ${outside}/to-denied ${outside}/target linked.env hard-link TOP.ENV private/notes private/../private/notes
ls private; cd deep && cat ../top.env er/low.env; cd er && cat low.env; cd ${work}
ln top.env again && cat again; ln -s top.env soft && cat soft; mv top.env moved && cat moved; cp top.env copy && cat copy
mv deep elsewhere && cat elsewhere/er/low.env; mv deep/er er && cat er/low.env; mv private public && cat public/notes
rm -f top.env; dd if=top.env; tar c top.env private; find . -type f -exec cat {} +; grep -r canary .
perl -e 'open(my $f, "<", "top.env\\0.txt") and print <$f>'
mount --bind ${outside} deep; cat deep/er/low.env; git diff --no-index /dev/null top.env; exec 3<top.env && cat <&3`,
        denying,
      );
      expect(out).not.toContain("canary");
      const later = await place.run(
        "find . -type f -exec cat {} +; cat moved again copy er/low.env",
        denying,
      );
      expect(later.out).not.toContain("canary");
      expect(readFileSync(join(work, "top.env"), "utf8")).toBe(secret);
    });

    test("stays so when the file may be written but for the denial, and for a single path", async () => {
      place.folder(join(work, "keys/inner"));
      place.put(join(work, "keys/inner/one"));
      const confinement = place.workspace({ path: join(work, "keys/inner/one"), access: "none" });
      await place.run(
        "mv keys kept; mv keys/inner kept; rm -rf keys; ln -s keys way; mkdir x; mv x keys",
        confinement,
      );
      const { out } = await place.run(
        "cat kept/inner/one kept/one keys/inner/one way/inner/one; find . -exec cat {} +",
        confinement,
      );
      expect(out).not.toContain("canary");
      expect(readFileSync(join(work, "keys/inner/one"), "utf8")).toBe(secret);
    });

    test("cannot be made where it is missing", async () => {
      const confinement = place.workspace({ path: join(work, "later/secret"), access: "none" });
      const { out } = await place.run(
        "mkdir -p later/secret || mkdir later || ln -s /tmp later || echo kept",
        confinement,
      );
      expect(out).toBe("kept\n");
      expect(existsSync(join(work, "later"))).toBe(false);
    });

    test("is looked for as deep as is said", async () => {
      place.folder(join(work, "one/two"));
      place.put(join(work, "one/shallow.env"));
      place.put(join(work, "one/two/deep.env"), "found");
      const { out } = await place.run("cat one/shallow.env one/two/deep.env", {
        ...denying,
        globScanMaxDepth: 2,
      });
      expect(out).toBe("found");
    });

    test("another name that was not found, or too many matches, run nothing", async () => {
      linkSync(place.put(join(work, "top.env")), join(outside, "elsewhere"));
      expect((await place.run("cat top.env", denying)).refused).toContain(
        "has another name (a hard link)",
      );
      rmSync(join(work, "top.env"));
      for (let number = 0; number <= 500; number += 1) place.put(join(work, `${number}.env`));
      expect((await place.run("true", denying)).refused).toBe(
        "the patterns that the permissions deny match more than 500 files: deny the folders that hold them",
      );
    });

    test("is not reached by a folder that turns into a link while commands begin", async () => {
      place.folder(join(work, "spare"));
      symlinkSync("../outside", join(work, "link"));
      const confinement = place.workspace({ path: join(work, "spare"), access: "write" });
      const flipping = place.commands.begin(
        `perl -e 'my ($x, $y) = ("spare", "link"); while (1) { syscall(316, -100, $x, -100, $y, 2); $n++ == 100 and open(my $f, ">", "flips"); select(undef, undef, undef, 0.001 * rand) }'`,
        place.workspace(),
      );
      onTestFinished(async () => {
        flipping.kill();
        await flipping.answer;
      });
      await until(() => process.arch !== "x64" || existsSync(join(work, "flips")));
      let ran = 0;
      for (let round = 0; round < 60; round += 1) {
        const { code } = await place.run("touch spare/made; exit 7", confinement);
        if (code === 7) ran += 1;
        expect(existsSync(join(outside, "made"))).toBe(false);
      }
      expect(ran).toBeLessThan(60);
    });

    test("a folder that a command put a link in the place of is refused", async () => {
      const inner = place.folder(join(work, "project"));
      const confinement = place.workspace({ path: inner, access: "write" });
      rmSync(inner, { recursive: true });
      symlinkSync("/", inner);
      expect(
        (await place.run("touch /etc/made", { ...confinement, cwd: inner })).refused,
      ).toContain(`${inner} is a symbolic link that commands can change`);
    });
  });

  describe("Farhelm's own keys and the logins", () => {
    const everything: Confinement = { rules: [{ path: "/", access: "write" }], cwd: work };
    const [key, login] = [join(farhelmHome, "issuer-key.json"), join(codexHome, "auth.json")];

    test.each([
      ["in a workspace", () => place.workspace()],
      [
        "where they lie in what may be written",
        () => place.workspace({ path: root, access: "write" }),
      ],
      ["where everything may be written", () => everything],
      [
        "where they are named",
        () => place.workspace({ path: key, access: "write" }, { path: login, access: "write" }),
      ],
      [
        "where their folders are named",
        () =>
          place.workspace(
            { path: farhelmHome, access: "write" },
            { path: codexHome, access: "write" },
          ),
      ],
    ])("stay unread %s", async (_, confinement) => {
      const { out, refused } = await place.run(
        `cat ${key} ${login} ${codexHome}/../codex-home/auth.json /proc/self/root${key} 2>/dev/null
ls ${farhelmHome} 2>/dev/null; ls ${codexHome}
ln ${login} hard; ln -s ${login} soft; cat hard soft; mv ${codexHome} ${root}/other; mv ${farhelmHome} ${root}/other2
cat ${root}/other/auth.json ${root}/other2/*; rm -f ${login} ${key}; rm -rf ${farhelmHome}; echo x > ${farhelmHome}/x; echo x > ${codexHome}/auth.json; echo x >> ${codexHome}/config.toml`,
        confinement(),
      );
      expect([out, refused]).toEqual(["config.toml\n", undefined]);
      expect([key, login].map((path) => readFileSync(path, "utf8"))).toEqual([secret, secret]);
      expect(readFileSync(join(codexHome, "config.toml"), "utf8")).toBe("model = 'm'\n");
    });

    test("stay unread when they are written anew while a command runs", async () => {
      const waiting = place.commands.begin(
        `echo ready > ready; while [ ! -e go ]; do sleep 0.05; done; cat ${login}; ls ${codexHome}`,
        place.workspace(),
      );
      await until(() => existsSync(join(work, "ready")));
      place.put(`${login}.part`, secret);
      execFileSync("mv", [`${login}.part`, login]);
      place.put(join(work, "go"));
      expect((await waiting.answer).out).toBe("config.toml\n");
    });

    test("a hard link to them is hidden where it is found, and runs nothing where it is not", async () => {
      linkSync(login, join(work, "mine"));
      expect((await place.run("cat mine")).out).toBe("");
      rmSync(join(work, "mine"));
      linkSync(key, join(outside, "theirs"));
      expect((await place.run(`cat ${outside}/theirs`)).refused).toContain(
        `${key} must be kept from commands`,
      );
      rmSync(join(outside, "theirs"));
    });
  });
});
