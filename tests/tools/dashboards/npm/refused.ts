// The check itself is checked: each of these must be an error, or tsc says that nothing was expected.
import type { Provisioned } from "./provisioned";

const sound = { id: 1, title: "A", description: "B.", gridPos: { h: 8, w: 8, x: 0, y: 0 } };
const board = { uid: "a", title: "A", schemaVersion: 36, annotations: { list: [] } };

// @ts-expect-error no such kind of panel
export const kind: Provisioned = { ...board, panels: [{ ...sound, type: "pie", options: {} }] };
// @ts-expect-error an option of another panel
export const option: Provisioned = { ...board, panels: [{ ...sound, type: "stat", options: { legend: {} } }] };
// @ts-expect-error no such colour mode
export const word: Provisioned = { ...board, panels: [{ ...sound, type: "stat", options: { colorMode: "loud" } }] };
// @ts-expect-error a unit is a word
export const unit: Provisioned = { ...board, panels: [{ ...sound, type: "timeseries", options: {}, fieldConfig: { defaults: { unit: 5 }, overrides: [] } }] };
// @ts-expect-error an export's inputs break a provisioned dashboard
export const inputs: Provisioned = { ...board, panels: [], __inputs: [] };
export const good: Provisioned = { ...board, panels: [{ ...sound, type: "stat", options: { colorMode: "value" } }] };
