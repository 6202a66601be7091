import { loadThreads } from "../host/loading.ts";
import { client } from "../host/session.ts";
import type { DashboardState } from "../host/store.ts";

export function SidebarEmpty(props: {
  readonly list: DashboardState["list"];
  readonly search: string;
}) {
  const { list, search } = props;
  if (list.load === "failed") {
    return (
      <div className="sidebar-empty" role="alert">
        <p>The threads could not be loaded: {list.error}</p>
        <button type="button" className="button" onClick={() => void loadThreads(client)}>
          Try again
        </button>
      </div>
    );
  }
  return (
    <p className="sidebar-empty">
      {search === ""
        ? "No threads yet. Start one and it will stay here, whichever device you come back with."
        : `No thread matches “${search}”.`}
    </p>
  );
}
