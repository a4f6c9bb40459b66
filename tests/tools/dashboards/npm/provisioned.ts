// What a dashboard file may hold: the published types, with enums written as their values.
import type { AnnotationQuery, Dashboard, FieldConfigSource, Panel, RowPanel } from "@grafana/schema";
import type { Options as Bars } from "@grafana/schema/dist/types/raw/composable/bargauge/panelcfg/x/BarGaugePanelCfg_types.gen.d.ts";
import type { Options as List } from "@grafana/schema/dist/types/raw/composable/dashboardlist/panelcfg/x/DashboardListPanelCfg_types.gen.d.ts";
import type { Options as Stat } from "@grafana/schema/dist/types/raw/composable/stat/panelcfg/x/StatPanelCfg_types.gen.d.ts";
import type { Options as States, FieldConfig as StatesField } from "@grafana/schema/dist/types/raw/composable/statetimeline/panelcfg/x/StateTimelinePanelCfg_types.gen.d.ts";
import type { Options as Lines, FieldConfig as LinesField } from "@grafana/schema/dist/types/raw/composable/timeseries/panelcfg/x/TimeSeriesPanelCfg_types.gen.d.ts";

type Plain<T> = unknown extends T
  ? T
  : T extends string
    ? `${T}`
    : T extends number | boolean | null | undefined
      ? T
      : T extends Array<infer One>
        ? Array<Plain<One>>
        : { [Key in keyof T]: Plain<T[Key]> };

type Prometheus = { type: "prometheus"; uid: "himari-prometheus" };

type Note = Plain<Omit<AnnotationQuery, "target">> & { target: { datasource: Prometheus; expr: string; refId: string } };

type Drawn<Name extends string, Options, Custom> = Plain<Omit<Panel, "type" | "options" | "fieldConfig" | "targets">> & {
  type: Name;
  description: string;
  options: Plain<Partial<Options>>;
  fieldConfig?: Plain<FieldConfigSource<Partial<Custom>>>;
  targets?: Array<{
    datasource: Prometheus;
    expr: string;
    instant: boolean;
    legendFormat: string;
    range: boolean;
    refId: string;
  }>;
};

type AnyPanel =
  | Drawn<"bargauge", Bars, object>
  | Drawn<"dashlist", List, object>
  | Drawn<"stat", Stat, object>
  | Drawn<"state-timeline", States, StatesField>
  | Drawn<"timeseries", Lines, LinesField>
  | (Plain<Omit<RowPanel, "type" | "panels">> & { type: "row"; panels: [] });

export type Provisioned = Plain<Omit<Dashboard, "panels" | "annotations">> & {
  uid: string;
  annotations: { list: Note[] };
  panels: AnyPanel[];
};
