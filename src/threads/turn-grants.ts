import { networkRules } from "../permissions/configured-network.ts";
import { ProfileError } from "../permissions/named-profile.ts";
import { mergedGrants, permissionsOf, stillThere, type Wish } from "../permissions/grants.ts";
import { gainsOf, gainsOfWriting } from "../permissions/permission-gains.ts";
import { grantEntries, withGrant } from "../permissions/profile-algebra.ts";
import type { Ground } from "../permissions/path-access.ts";
import type { ApprovalGains } from "../protocol/approval-gains.ts";
import type { AdditionalPermissions, PermissionProfile } from "../protocol/permission-profile.ts";
import type { TurnGrants } from "../tools/port.ts";
import { groundAt } from "../util/ground.ts";
import type { LoadedThread } from "./loaded-thread.ts";
import type { ThreadSettings } from "./settings.ts";
import type { TurnPorts } from "./turn-ports.ts";

/** What one turn was granted, and its thread: the turn's own is gone with it. */
export class GrantsOfTurn implements TurnGrants {
  readonly #thread: LoadedThread;
  /** Those in force when the turn began. */
  readonly #settings: ThreadSettings;
  readonly #faultOf: NonNullable<TurnPorts["profileFault"]>;
  #ofTurn: AdditionalPermissions = {};
  #isReviewed = false;

  constructor(
    thread: LoadedThread,
    settings: ThreadSettings,
    { profileFault }: Pick<TurnPorts, "profileFault">,
  ) {
    this.#thread = thread;
    this.#settings = settings;
    this.#faultOf = profileFault ?? (() => undefined);
  }

  get isRequestable(): boolean {
    return this.#settings.permissionTools.isRequestable;
  }

  get isPerCommand(): boolean {
    return this.#settings.permissionTools.isPerCommand;
  }

  get granted(): AdditionalPermissions {
    return mergedGrants(this.#thread.granted, this.#ofTurn);
  }

  get isReviewed(): boolean {
    return this.#isReviewed;
  }

  /** Where the rules make no sense nothing is reached at all. */
  get #isProxied(): boolean {
    const { network, activeProfile } = this.#settings;
    try {
      return networkRules(network, activeProfile?.id ?? null) !== undefined;
    } catch (error) {
      if (error instanceof ProfileError) return true;
      throw error;
    }
  }

  get #ground(): Ground {
    return groundAt(this.#settings.cwd);
  }

  /** The permissions of the thread with all that was granted and is still allowed. */
  get profile(): PermissionProfile {
    const { permissionProfile } = this.#settings;
    const { granted } = this;
    const ground = this.#ground;
    if (!granted.network?.enabled && grantEntries(granted).length === 0) return permissionProfile;
    const widened = withGrant(permissionProfile, stillThere(granted, ground), ground);
    return this.fault(widened) === undefined ? widened : permissionProfile;
  }

  /** Where the thread's own are not allowed any more, nothing comes on top of them. */
  fault(profile: PermissionProfile): string | undefined {
    return this.#faultOf(profile);
  }

  /** What running a command would add to what is allowed now: outside of the sandbox, or with the wish on top. */
  gainsOfRunning(isOutside: boolean, wish: Wish | undefined): ApprovalGains {
    const { profile } = this;
    const ground = this.#ground;
    if (isOutside) return gainsOf(profile, { type: "disabled" }, ground, this.#isProxied);
    const after = wish ? withGrant(profile, permissionsOf(wish), ground) : profile;
    return gainsOf(profile, after, ground, this.#isProxied);
  }

  gainsOfWriting(paths: readonly string[]): ApprovalGains {
    return gainsOfWriting(paths, this.profile, this.#ground);
  }

  grant(permissions: AdditionalPermissions, scope: "turn" | "session"): void {
    if (scope === "turn") this.#ofTurn = mergedGrants(this.#ofTurn, permissions);
    else this.#thread.granted = mergedGrants(this.#thread.granted, permissions);
  }

  reviewEverything(): void {
    this.#isReviewed = true;
  }
}
