export function LogSkeleton() {
  return (
    <div className="log-skeleton" role="status">
      <span className="sr-only">Loading the conversation</span>
      <span className="bone bone-own" />
      <span className="bone" />
      <span className="bone" />
      <span className="bone bone-short" />
    </div>
  );
}
