import { describe, expect, it } from "vitest";
import { certifyingAt } from "../src/certificate";
import { votes } from "../src/format";
import { Story } from "../src/story";
import { channel, message } from "./channel";

const vote = (n: number, author: string, kind: string, signs: string | null, round = 0) => message(n, author, { kind, signs, round });
const opening = { question: "?", expects: "short", options: [], protocol: "", topology: "", rule: "", seed: 0, asker: "asker", certify: "byzantine", needed: 2_666_667 };
const of = (...messages: ReturnType<typeof message>[]) => {
  const members = ["a", "b", "c", "d"].map((id) => ({ id, name: id, weight: 1_000_000 }));
  return new Story(channel([message(0, "asker", { kind: "opening/1" }), ...messages], { opening, members }));
};
const stages = (story: Story, at: number) => certifyingAt(story, at)?.stages.map((s) => s.stage);

describe("a certificate", () => {
  const story = of(
    vote(1, "a", "seal/1", null),
    vote(2, "a", "prep/1", "x"),
    vote(3, "a", "ack/1", "x"),
    vote(4, "b", "ack/1", "x"),
    vote(5, "c", "ack/1", "x"),
  );

  it("is not looked for where nobody is asked to certify", () => {
    expect(certifyingAt(new Story(channel([message(0, "a")])), 0)).toBeNull();
  });

  it("comes step by step, and stands from the signature that makes the quorum on", () => {
    expect(stages(story, 0)).toEqual(["silent", "silent", "silent", "silent"]);
    expect(stages(story, 1)).toEqual(["sealed", "silent", "silent", "silent"]);
    expect(stages(story, 2)).toEqual(["ready", "silent", "silent", "silent"]);
    expect(stages(story, 5)).toEqual(["signed", "signed", "signed", "silent"]);
    expect([3, 4, 5].map((at) => certifyingAt(story, at)?.certified)).toEqual([false, false, true]);
  });

  it("needs a quorum for one decision in one epoch, by members, each counted once", () => {
    const split = of(vote(1, "a", "ack/1", "x"), vote(2, "b", "ack/1", "y"), vote(3, "c", "ack/1", "x", 1), vote(4, "a", "ack/1", "x"), vote(5, "asker", "ack/1", "x"));
    const found = certifyingAt(split, 5);
    expect([found?.signed, found?.certified]).toEqual([1_000_000, false]);
    expect(found?.total).toBe(4_000_000);
  });

  it("tells what is needed in votes, never too few", () => {
    expect([2_666_667, 3_000_000, 1].map(votes)).toEqual(["2.67", "3", "0.01"]);
  });
});
