/** The certificate of a decision: how many votes have signed it, how many are needed, and how far every member is. */

import { type Certifying, type Stage, certifyingAt } from "../certificate";
import { votes } from "../format";
import { shownAt } from "../turns";
import type { Story } from "../story";

const SIGNS: Readonly<Record<Stage, string>> = { silent: "–", sealed: "◔", ready: "◑", signed: "✓" };
const WORDS: Readonly<Record<Stage, string>> = { silent: "nothing", sealed: "closed its part", ready: "worked it out alike", signed: "signed" };

export function Certificate({ of }: { readonly of: Story }) {
  const found = certifyingAt(of, shownAt.decision.value);
  if (found === null) return null;
  return (
    <section class="certificate" aria-labelledby="certificate-title">
      <h3 id="certificate-title">
        Certificate <span class="soft">{told(found)}</span>
      </h3>
      <ul>
        {found.stages.map(({ name, stage }) => (
          <li key={name} class={`stage ${stage}`}>
            <span aria-hidden="true">{SIGNS[stage]}</span> {name} <span class="soft">{WORDS[stage]}</span>
          </li>
        ))}
      </ul>
      {found.decision !== null && (
        <p class="soft small">
          {of.channel.opening.certify} quorum, epoch {found.epoch}, decision <code>{found.decision}…</code>; by what members say here. <code>waggle verify</code> checks the signatures themselves.
        </p>
      )}
    </section>
  );
}

/** Whether the decision is certified, as a badge. */
export function Certified({ of }: { readonly of: Story }) {
  const found = certifyingAt(of, shownAt.decision.value);
  if (found === null) return null;
  return found.certified ? <span class="badge certified">certified</span> : <span class="badge uncertified">not certified</span>;
}

function told({ signed, needed, total, certified }: Certifying): string {
  return `${votes(signed)} of ${votes(total)} votes signed, ${certified ? "" : "not enough: "}${votes(needed)} needed`;
}
