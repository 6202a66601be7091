/** Variables that steer programs before the sandbox stands are set inside of it only. */

/** The loader's and the C library's own (ld.so(8), those that it drops for set-user-ID programs), and what shells read at their start. */
const steering =
  /^(?:LD_|DYLD_|GLIBC_|GCONV_|GETCONF_|MALLOC_|NLSPATH$|LOCPATH$|TZDIR$|HOSTALIASES$|RES_OPTIONS$|RESOLV_|BASH|ENV$|SHELLOPTS$|PS4$|IFS$|PROMPT_COMMAND$|FUNCNEST$|POSIXLY_CORRECT$)/;

export function splitEnvironment(environment: Readonly<Record<string, string>>): {
  readonly outer: Readonly<Record<string, string>>;
  readonly inner: Readonly<Record<string, string>>;
} {
  const all = Object.entries(environment);
  return {
    outer: Object.fromEntries(all.filter(([name]) => !steering.test(name))),
    inner: Object.fromEntries(all.filter(([name]) => steering.test(name))),
  };
}
