/** How the swarms on the network are: who is there, who is suspected, who sees it otherwise, what was refused. */

import type { MeshSwarm } from "../api";
import { counted, elapsed } from "../format";
import { type Seen, counts, seen, stateWord } from "../mesh";
import { swarms } from "../state";
import { Card } from "./parts";

const SIGNS: Readonly<Record<string, string>> = { alive: "●", suspect: "◐", dead: "○", left: "–" };

/** Shown where there is a mesh. */
export function MeshHealth() {
  if (swarms.value.length === 0) return null;
  return (
    <Card title="Mesh" name="mesh">
      <ul class="swarms">
        {seen(swarms.value).map((swarm) => (
          <Swarm key={swarm.name} swarm={swarm} />
        ))}
      </ul>
    </Card>
  );
}

function Swarm({ swarm }: { readonly swarm: Seen }) {
  return (
    <li>
      <p>
        <strong>{swarm.name}</strong> {swarm.members.length > 0 && counts(swarm.members)} <span class="soft small">{told(swarm.by)}</span>
      </p>
      <ul class="mesh-members">
        {swarm.members.map((member) => (
          <li key={member.name} class={`member-${member.state}`}>
            <span class="member-sign" aria-hidden="true">
              {SIGNS[member.state] ?? "○"}
            </span>{" "}
            <strong>{member.name}</strong> <span class="member-state">{stateWord(member.state)}</span> <span class="soft small">{details(member)}</span>
          </li>
        ))}
      </ul>
      {[...new Set(swarm.tellers.flatMap((teller) => teller.alarms))].map((alarm) => (
        <p class="small lapse" role="alert" key={alarm}>
          {alarm}
        </p>
      ))}
      <details class="small">
        <summary>{counted(swarm.tellers.length, "peer")} of this machine</summary>
        <ul>
          {swarm.tellers.map((teller) => (
            <Teller key={teller.peer} teller={teller} />
          ))}
        </ul>
      </details>
    </li>
  );
}

function details({ weight, rtt_ms, state, otherwise }: Seen["members"][number]): string {
  const vote = weight === 0 ? ["no vote"] : [];
  const time = rtt_ms !== null && state === "alive" ? [`${rtt_ms.toFixed(1)} ms`] : [];
  return [...vote, ...time, ...otherwise].join(", ");
}

function Teller({ teller }: { readonly teller: MeshSwarm }) {
  const refused = Object.entries(teller.refused).sort(([, a], [, b]) => b - a);
  return (
    <li>
      <strong>{teller.peer}</strong> {teller.runs ? "runs" : "does not run"}
      {teller.age_ms !== null && (
        <span class="soft">
          , told {elapsed(teller.age_ms)} ago: {counts(teller.members)}; {counted(teller.channels, "question")}
          {refused.length > 0 && <>; refused {refused.map(([reason, count]) => `${reason} ${count}×`).join(", ")}</>}
        </span>
      )}
    </li>
  );
}

function told(by: MeshSwarm | null): string {
  if (by?.age_ms == null) return "nobody here has told how it is";
  return by.runs ? `as ${by.peer} sees it` : `no peer of this machine runs; ${elapsed(by.age_ms)} ago ${by.peer} saw ${counts(by.members)}`;
}
