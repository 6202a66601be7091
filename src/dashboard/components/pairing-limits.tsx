/** What no page can check about itself. */
export function PairingLimits() {
  return (
    <details className="pairing-limits">
      <summary>What a browser cannot check</summary>
      <p>
        Whether this page is your host’s own. With a link, the page makes the host show the key that
        the link names, and the words betray who merely listens in between. But someone who serves a
        false page decides what it checks and which words it shows. Against that helps only what you
        know beforehand: the address, or a certificate authority whose fingerprint you compared
        before you installed it. Native clients check the host’s key themselves.
      </p>
    </details>
  );
}
