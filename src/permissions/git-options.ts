/** The options with which git only reads and prints. Whatever is not listed is not known to be harmless. */

export interface GitOptions {
  readonly words: ReadonlySet<string>;
  readonly patterns: readonly RegExp[];
  /** Put before the caller's own, which are no weaker. */
  readonly added: readonly string[];
}

const setOf = (...lines: readonly string[]): ReadonlySet<string> =>
  new Set(lines.flatMap((line) => line.split(" ")));

const diffWords = [
  "-p -u --patch -s --no-patch --raw --summary --binary --full-index --exit-code --quiet -z -R",
  "--stat --numstat --shortstat --name-only --name-status --no-ext-diff --no-textconv --no-prefix",
  "--color --no-color --color=always --color=never --color=auto --no-color-moved --word-diff",
  "-w -b --ignore-all-space --ignore-space-change --ignore-space-at-eol --ignore-blank-lines",
  "--ignore-cr-at-eol --minimal --patience --histogram -M --find-renames --no-renames",
  "--submodule=short --ignore-submodules --ignore-submodules=all --ignore-submodules=dirty",
];
const diffPatterns = [
  /^-U\d+$/,
  /^--unified=\d+$/,
  /^-M\d+%?$/,
  /^--find-renames=\d+%?$/,
  /^--stat=\d+(?:,\d+){0,2}$/,
  /^--abbrev(?:=\d+)?$/,
  /^--diff-filter=[A-Za-z]+$/,
  /^--diff-algorithm=[a-z]+$/,
  /^--word-diff=[a-z]+$/,
];
const noDrivers = ["--no-ext-diff", "--no-textconv", "--submodule=short"];

export const readOnlyCommands: ReadonlyMap<string, GitOptions> = new Map([
  [
    "diff",
    {
      words: setOf(...diffWords, "--cached --staged --merge-base --no-index"),
      patterns: diffPatterns,
      added: [...noDrivers, "--ignore-submodules=dirty"],
    },
  ],
  [
    "show",
    {
      words: setOf(...diffWords, "--oneline --no-notes --abbrev-commit --no-abbrev-commit"),
      patterns: [
        ...diffPatterns,
        /^--(?:pretty|format)=(?:oneline|short|medium|full|fuller|reference|raw)$/,
        // %G asks a program that the repository may name
        /^--(?:pretty|format)=(?:t?format:)?(?!.*%G).*%.*$/s,
      ],
      added: noDrivers,
    },
  ],
  [
    "status",
    {
      words: setOf(
        "-s -sb --short -b --branch --long -z --null --porcelain --show-stash --no-renames --ignored",
        "-u -uno -unormal -uall --untracked-files --ahead-behind --no-ahead-behind",
        "--ignore-submodules --ignore-submodules=all --ignore-submodules=dirty",
      ),
      patterns: [
        /^--porcelain=v?[12]$/,
        /^--untracked-files=(?:no|normal|all)$/,
        /^--ignored=(?:no|traditional|matching)$/,
      ],
      added: ["--ignore-submodules=dirty"],
    },
  ],
  [
    "ls-files",
    {
      words: setOf(
        "-c --cached -d --deleted -m --modified -o --others -u --unmerged -s --stage -i --ignored",
        "--exclude-standard -z -t --full-name --directory --no-empty-directory --error-unmatch",
        "--deduplicate",
      ),
      patterns: [],
      added: [],
    },
  ],
  [
    "rev-parse",
    {
      words: setOf(
        "--is-inside-work-tree --is-inside-git-dir --is-bare-repository --is-shallow-repository",
        "--show-toplevel --show-prefix --show-cdup --git-dir --absolute-git-dir --git-common-dir",
        "--verify -q --quiet --short --symbolic-full-name --abbrev-ref",
      ),
      patterns: [/^--short=\d+$/, /^--abbrev-ref=(?:strict|loose)$/],
      added: [],
    },
  ],
  [
    "config",
    {
      words: setOf("--null -z --name-only --get --get-all --get-regexp --type=bool --fixed-value"),
      patterns: [],
      added: [],
    },
  ],
  ["version", { words: setOf("--build-options"), patterns: [], added: [] }],
]);

const optionsOf = (name: string): GitOptions =>
  readOnlyCommands.get(name) ?? { words: new Set(), patterns: [], added: [] };

const shown = optionsOf("show");
const logWords = setOf(
  "-n -S -G -L -i -E -F --graph --all --branches --tags --remotes --decorate --no-decorate --decorate=short",
  "--follow --merges --no-merges --first-parent --reverse --oneline --date-order --topo-order --author-date-order",
  "--max-count --skip --since --until --after --before --author --committer --grep --all-match --invert-grep",
  "--pickaxe-all --cherry-pick --left-right --relative-date --full-history --simplify-by-decoration --no-walk",
);
const logPatterns = [
  /^-\d+$/,
  /^-n\d+$/,
  /^-[SG]./s,
  /^--(?:max-count|skip)=\d+$/,
  /^--(?:since|until|after|before|author|committer|grep|date)=/s,
];

/** What the agent may run in a shell without being asked. */
export const shellCommands: ReadonlyMap<string, GitOptions> = new Map([
  ["diff", optionsOf("diff")],
  ["status", optionsOf("status")],
  ["show", shown],
  [
    "log",
    {
      words: new Set([...shown.words, ...logWords]),
      patterns: [...shown.patterns, ...logPatterns],
      added: [],
    },
  ],
  [
    "branch",
    {
      words: setOf("-a --all -r --remotes -v -vv --verbose -l --list --show-current"),
      patterns: [/^--format=(?:%\(refname(?::short)?\)|[\w ])+$/],
      added: [],
    },
  ],
]);
