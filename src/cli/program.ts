import { Command, CommanderError, Option } from "commander";
import { storeKinds } from "../config/store-kinds.ts";
import type { ExportFlags, VerifyFlags } from "./audit.ts";
import { explain } from "./cli-error.ts";
import type { AttachFlags } from "./attach.ts";
import type { ChangeFlags } from "./device-change.ts";
import type { Outside } from "./host.ts";
import type { PairFlags } from "./pair.ts";
import type { UpFlags } from "./up.ts";

const collect = (value: string, earlier: readonly string[]): readonly string[] => [
  ...earlier,
  value,
];

const roles = ["viewer", "approver", "operator", "admin"];

/** What commands need of the outside, and facts of the program itself. */
export interface Setting {
  readonly outside: Outside;
  readonly version: string;
  /** The folder that holds package.json. */
  readonly clone: string;
  readonly startedIn: string;
}

/** Runs one command line; resolves to the exit code. A command's own code is loaded when it runs. */
export async function runProgram(argv: readonly string[], setting: Setting): Promise<number> {
  try {
    await program(setting).parseAsync(argv, { from: "user" });
    return 0;
  } catch (error) {
    // Help, the version, or a wrong command line: commander has written what is to be said.
    if (error instanceof CommanderError) return error.exitCode;
    const { env, stderr } = setting.outside;
    stderr.write(`farhelm: ${explain(error)}\n`);
    if (env["FARHELM_DEBUG"] === "1" && error instanceof Error) stderr.write(`${error.stack}\n`);
    return 1;
  }
}

function program(setting: Setting): Command {
  const { stdout, stderr } = setting.outside;
  const farhelm = new Command("farhelm")
    .exitOverride()
    .configureOutput({
      writeOut: (text) => void stdout.write(text),
      writeErr: (text) => void stderr.write(text),
    })
    .showHelpAfterError('("--help" shows what there is)')
    .description("Self-hosted remote control for coding agents. In a clone: npx farhelm COMMAND.")
    .version(setting.version);
  addUp(farhelm, setting);
  addDevices(farhelm, setting);
  addAudit(farhelm, setting);
  addPair(farhelm, setting);
  farhelm
    .command("token")
    .description("print one bearer token for a client without a browser")
    .requiredOption("--name <name>", "shown in the list of devices")
    .addOption(new Option("--role <role>", "what it may do").choices(roles).makeOptionMandatory())
    .option("--ttl <time>", "how long it lives: 45s, 15m, 12h, 30d", "30d")
    .action(async (options: { name: string; role: string; ttl: string }) => {
      const { token } = await import("./token.ts");
      await token(setting, options);
    });
  farhelm
    .command("attach")
    .description("hold a device key for the stock client: listens on a Unix socket")
    .argument("<url>", "the host's address; the first time a whole pairing link, in quotes")
    .option("--socket <path>", "where to listen (default: in FARHELM_HOME)")
    .option("--name <name>", "what the host calls this machine (default: its name)")
    .action(async (url: string, flags: AttachFlags) => {
      const { attach } = await import("./attach.ts");
      await attach(setting, url, flags);
    });
  farhelm
    .command("schema")
    .description("write JSON Schema and TypeScript of the protocol")
    .requiredOption("--out <dir>", "the folder to write to")
    .action(async (options: { out: string }) => {
      const { schema } = await import("./schema.ts");
      await schema(setting, options.out);
    });
  farhelm
    .command("doctor")
    .description("check what Farhelm needs on this machine")
    .action(async () => {
      const { doctor } = await import("./doctor.ts");
      await doctor(setting);
    });
  return farhelm;
}

function addUp(farhelm: Command, setting: Setting): void {
  farhelm
    .command("up")
    .description("run the host on this machine until SIGINT or SIGTERM")
    .option("--listen <host:port>", "the address to serve on (default: 127.0.0.1:7420)")
    .option("--lan", "serve the local network over TLS with a development CA", false)
    .option("--public-origin <url>", "the one origin under which browsers reach this host")
    .option("--allowed-host <name>", "accept this name in Host headers (repeatable)", collect, [])
    .option("--cwd <dir>", "the agent's folder when a client names none")
    .option("--trust-proxy <addr>", "believe this proxy's X-Forwarded-* (repeatable)", collect, [])
    .addOption(
      new Option(
        "--store <kind>",
        "where threads are kept (default: as farhelm.toml says)",
      ).choices(storeKinds),
    )
    .option("-c, --config <key=value>", "override config.toml (repeatable)", collect, [])
    .option("-p, --profile <name>", "lay NAME.config.toml over config.toml")
    .option("--allow-remote-headless", "let tokens without a device key in from elsewhere", false)
    .action(async (flags: UpFlags) => {
      const { up } = await import("./up.ts");
      await up(setting, flags);
    });
}

function addPair(farhelm: Command, setting: Setting): void {
  const pairing = farhelm
    .command("pair")
    .description("add a device: a link, a QR code and a short code")
    .addOption(new Option("--role <role>", "what it may do").choices(roles).default("admin"))
    .option("--guest <time>", "its access ends after so long: 45m, 12h, 30d")
    .option("--no-wait", "do not wait for the device to confirm it here")
    .action(async (flags: PairFlags) => {
      const { pair } = await import("./pair.ts");
      await pair(setting, flags);
    });
  pairing
    .command("list")
    .description("links that are open and devices that wait")
    .option("--json", "as JSON", false)
    .action(async (options: { json: boolean }) => {
      const { listPairings } = await import("./pair.ts");
      await listPairings(setting, options.json);
    });
  const verbs = [
    ["confirm", "let the device in that waits there"],
    ["refuse", "send the device away that waits there"],
    ["cancel", "take back a link that nobody used"],
  ] as const;
  for (const [verb, description] of verbs) {
    pairing
      .command(verb)
      .description(description)
      .argument("<id>", "as pair list shows it")
      .action(async (id: string) => {
        const { decidePairing } = await import("./pair.ts");
        await decidePairing(setting, verb, id);
      });
  }
}

function addDeviceChanges(devices: Command, setting: Setting): void {
  devices
    .command("rename")
    .description("another name in the list")
    .argument("<id>", "as devices list shows it")
    .argument("<name>", "what people read")
    .action(async (id: string, name: string) => {
      const { renameDevice } = await import("./devices.ts");
      await renameDevice(setting, id, name);
    });
  devices
    .command("change")
    .description("change what a device may do, until when, and where; it connects anew")
    .argument("<id>", "as devices list shows it")
    .addOption(new Option("--role <role>", "what it may do").choices(roles))
    .option("--role-for <time>", "then the role of now comes back: 45s, 15m, 12h, 30d")
    .option("--expires-in <time>", "a guest: its access ends after this time")
    .option("--never-expires", "its access lasts until it is revoked", false)
    .option("--project <dir>", "only threads that work here or below (repeatable)", collect, [])
    .option("--thread <id>", "only this thread (repeatable)", collect, [])
    .option("--whole-host", "all threads and folders again", false)
    .action(async (id: string, flags: ChangeFlags) => {
      const { changeDevice } = await import("./device-change.ts");
      await changeDevice(setting, id, flags);
    });
}

function addDevices(farhelm: Command, setting: Setting): void {
  const devices = farhelm
    .command("devices")
    .description("list, change or revoke devices and tokens that may come in");
  devices
    .command("list")
    .option("--json", "as JSON", false)
    .action(async (options: { json: boolean }) => {
      const { listDevices } = await import("./devices.ts");
      await listDevices(setting, options.json);
    });
  addDeviceChanges(devices, setting);
  devices
    .command("revoke")
    .description("end its access and its connections now")
    .argument("[id]", "as devices list shows it; of another issuer: 'ISS|SUB'")
    .option("--account <account>", "everybody of other issuers, and every agent, of this account")
    .option("--all", "every device and every token", false)
    .action(async (id: string | undefined, flags: { all: boolean; account?: string }) => {
      const { account, all } = flags;
      const { revokeAllDevices, revokeDevice } = await import("./devices.ts");
      const { revokeAccount } = await import("./foreign-access.ts");
      if ([id, account, all || undefined].filter((name) => name !== undefined).length !== 1)
        devices.error("error: name one device, or one --account, or say --all");
      if (id !== undefined) return revokeDevice(setting, id);
      return account === undefined ? revokeAllDevices(setting) : revokeAccount(setting, account);
    });
  devices
    .command("restore")
    .description("let somebody of another issuer in again who was revoked")
    .argument("[id]", "as devices list shows it: 'ISS|SUB'")
    .option("--account <account>", "the account that was revoked")
    .action(async (id: string | undefined, { account }: { account?: string }) => {
      const { restoreForeign } = await import("./foreign-access.ts");
      if (id !== undefined && account === undefined) return restoreForeign(setting, { id });
      if (id === undefined && account !== undefined) return restoreForeign(setting, { account });
      return devices.error("error: name one identity, or one --account");
    });
  devices
    .command("confirm-restore")
    .description("let devices in again after the host was restored from a backup")
    .option("--yes", "after looking at the list that it shows without", false)
    .action(async ({ yes }: { yes: boolean }) => {
      const { confirmRestore } = await import("./devices.ts");
      await confirmRestore(setting, yes);
    });
}

function addAudit(farhelm: Command, setting: Setting): void {
  const audit = farhelm
    .command("audit")
    .description("check or export the record of who did what; no host needs to run");
  const dir = "the folder with the log (default: audit in FARHELM_HOME)";
  audit
    .command("verify")
    .description("name the first line that was cut, edited or reordered")
    .option(
      "--head <text|file>",
      "a head that a device kept: finds a cut end and a log written anew",
    )
    .option("--dir <dir>", dir)
    .option("--key <file>", "the public key (default: the head's, else the one beside the log)")
    .action(async (flags: VerifyFlags) => {
      const { verifyAudit } = await import("./audit.ts");
      await verifyAudit(setting, flags);
    });
  audit
    .command("export")
    .description("write the log to stdout")
    .addOption(
      new Option("--format <format>", "as it is, or as a table")
        .choices(["jsonl", "csv"])
        .default("jsonl"),
    )
    .option("--since <time>", "from this time on: 2026-03-31, 2026-03-31T18:00:00Z")
    .option("--until <time>", "before this time")
    .option("--dir <dir>", dir)
    .action(async (flags: ExportFlags) => {
      const { exportAudit } = await import("./audit.ts");
      await exportAudit(setting, flags);
    });
}
