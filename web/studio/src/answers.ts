/** Answers get a colour and a shape, in the order in which they were first given: told apart without seeing colour. */

export type Shape = "circle" | "square" | "triangle" | "diamond" | "pentagon" | "cross" | "down" | "star";

export interface Look {
  /** Which of the colours `--answer-0` … `--answer-7`; 8 for everything after the eighth answer. */
  readonly colour: number;
  readonly shape: Shape;
}

export const SHAPES: readonly Shape[] = ["circle", "square", "triangle", "diamond", "pentagon", "cross", "down", "star"];
export const COLOURS = 8;

/** The look of the answer that was the `index`-th to appear: after eight, a grey with the shapes again. */
export function look(index: number): Look {
  const shape = SHAPES[index % SHAPES.length] ?? "circle";
  return { colour: Math.min(index, COLOURS), shape };
}

/** Corners of a shape around the origin, as wide and high as 2; null for the circle. */
export function corners(shape: Shape): readonly (readonly [number, number])[] | null {
  switch (shape) {
    case "circle":
      return null;
    case "square":
      return [[-0.85, -0.85], [0.85, -0.85], [0.85, 0.85], [-0.85, 0.85]];
    case "triangle":
      return [[0, -1.05], [1.05, 0.8], [-1.05, 0.8]];
    case "down":
      return [[0, 1.05], [1.05, -0.8], [-1.05, -0.8]];
    case "diamond":
      return [[0, -1.15], [1.15, 0], [0, 1.15], [-1.15, 0]];
    case "pentagon":
      return regular(5, 1.1);
    case "cross":
      return [
        [-0.35, -1], [0.35, -1], [0.35, -0.35], [1, -0.35], [1, 0.35], [0.35, 0.35],
        [0.35, 1], [-0.35, 1], [-0.35, 0.35], [-1, 0.35], [-1, -0.35], [-0.35, -0.35],
      ];
    case "star":
      return star(5, 1.2, 0.52);
  }
}

const CIRCLE = "M2 8a6 6 0 1 1 12 0a6 6 0 1 1-12 0z";

/** A shape as the `d` of an SVG path, for a box of 16 by 16. */
export function outline(shape: Shape): string {
  const found = corners(shape);
  return found === null ? CIRCLE : `M${found.map(([x, y]) => `${round(8 + x * 6)} ${round(8 + y * 6)}`).join("L")}z`;
}

function regular(sides: number, radius: number): readonly (readonly [number, number])[] {
  return Array.from({ length: sides }, (_, i) => turned(i / sides, radius));
}

function star(arms: number, outer: number, inner: number): readonly (readonly [number, number])[] {
  return Array.from({ length: arms * 2 }, (_, i) => turned(i / (arms * 2), i % 2 === 0 ? outer : inner));
}

function turned(part: number, radius: number): readonly [number, number] {
  const angle = part * 2 * Math.PI - Math.PI / 2;
  return [Math.cos(angle) * radius, Math.sin(angle) * radius];
}

function round(value: number): number {
  return Math.round(value * 100) / 100;
}
