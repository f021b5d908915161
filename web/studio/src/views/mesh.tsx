/** How the swarms on the network are: who is there, who is suspected, what was refused. */

import type { MeshSwarm } from "../api";
import { counted, elapsed } from "../format";
import { swarms } from "../state";
import { Card } from "./parts";

/** Shown where there is a mesh. */
export function MeshHealth() {
  if (swarms.value.length === 0) return null;
  return (
    <Card title="Mesh" name="mesh" aside={<span class="soft">{told(swarms.value)}</span>}>
      <ul class="swarms">
        {swarms.value.map((swarm) => (
          <Swarm key={`${swarm.name} ${swarm.peer}`} swarm={swarm} />
        ))}
      </ul>
    </Card>
  );
}

/** When the newest of them told how it is. */
function told(of: readonly MeshSwarm[]): string {
  const ages = of.flatMap((s) => (s.age_ms === null ? [] : [s.age_ms]));
  return ages.length === 0 ? "never told" : `as of ${elapsed(Math.min(...ages))} ago`;
}

function Swarm({ swarm }: { readonly swarm: MeshSwarm }) {
  const refused = Object.entries(swarm.refused).sort(([, a], [, b]) => b - a);
  const gone = Math.max(0, swarm.members - swarm.alive - swarm.suspect);
  return (
    <li>
      <strong>{swarm.name}</strong> <span class="soft">as {swarm.peer} sees it{swarm.runs ? "" : ", which does not run now"}</span>
      <dl>
        <div>
          <dt>alive</dt>
          <dd>
            {swarm.alive} of {swarm.members}
          </dd>
        </div>
        <div>
          <dt>suspect</dt>
          <dd>{swarm.suspect}</dd>
        </div>
        <div>
          <dt>away</dt>
          <dd>{gone}</dd>
        </div>
        <div>
          <dt>channels</dt>
          <dd>{swarm.channels}</dd>
        </div>
      </dl>
      {refused.length > 0 && (
        <p class="small">
          Refused: {refused.map(([reason, count]) => `${reason} ${count}×`).join(", ")}
        </p>
      )}
      {swarm.alarms.map((alarm) => (
        <p class="small lapse" key={alarm}>
          {alarm}
        </p>
      ))}
      {swarm.suspect > 0 && <p class="small soft">{counted(swarm.suspect, "member")} did not answer lately.</p>}
    </li>
  );
}
