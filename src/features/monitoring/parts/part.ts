import type { Json } from '#base/json'
import type { Fact } from '#ledger'
import type { MonitorConfig } from '#projects'
import type { PredictionRow } from '#serving'
import type { Roles } from '#performance'
import type { UsageHour } from '#usage'
import type { KnownContract, LiveContracts } from '../contract/contract.ts'
import type { AlertKind, Condition } from '../alerts/findings.ts'
import type { Answers } from '../service/measure.ts'
import type { KnownEstimator } from './estimate-verdict.ts'
import type { KnownReference } from '../references/reference.ts'
import type { RowAnswer } from '../sources.ts'
import type { Look } from '../spans/look.ts'
import type { Reference } from '../store.ts'
import type { KnownStructure } from '../references/structures.ts'
import type { Due, Task, Verdicts, Window } from '../windows/window.ts'
import type { WorkInput, WorkName, WorkResult } from '../work/works.ts'

/**
 * One thing that is found out about windows. A part adds its verdict to a window when it is due, and says for each
 * *subject* of it (`''` for the whole; else a column, metric, slice or group) whether something holds that somebody
 * must hear of. Alerts are raised and cleared from that, one of a kind and subject at an endpoint.
 */
export interface Part {
  readonly kind: AlertKind
  /** `closed`: at the window's end. `settled`: when its labels had their time to come, and again when more came. */
  readonly due: Due
  /** A stated verdict whatever the rows hold: reasons are part of it, exceptions are not. */
  judge(view: View): Promise<Partial<Verdicts>>
  /** The verdict on a window of which there are profiles and no rows; without this it is judged as any other. */
  withoutRows?(reason: string, monitor: MonitorConfig): Partial<Verdicts>
  /**
   * The verdict on a window that was judged, under what another monitor says and without its rows; what it does not
   * name stays as it was found. Without this, all of it does not depend on the monitor.
   */
  again?(kept: Window, monitor: MonitorConfig): Partial<Verdicts>
  /** What the fact of the window tells of the verdict. A fact stays small. */
  told?(window: Window): Readonly<Record<string, Json>>
  /**
   * What holds at a window, seen with those before it (oldest first, of any version). An alert on a subject that
   * is left out is cleared, for it is no longer watched; `'unjudged'` changes nothing at all.
   */
  conditions(
    window: Window,
    earlier: readonly Window[],
    monitor: MonitorConfig,
  ): readonly Condition[] | 'unjudged'
  /** How many windows before one `conditions` has to see. */
  lookback(monitor: MonitorConfig): number
  /** The fact that tells, at each window, that a condition holds; policies follow it. */
  finding?(window: Window, condition: Holding, at: { monitor: MonitorConfig; task: Task }): Fact
}

export type Holding = Extract<Condition, { state: 'holds' }>

/** A window as parts look at it: what is costly is made when it is asked for, and once. */
export interface View {
  readonly endpoint: string
  readonly monitor: MonitorConfig
  readonly span: { readonly fromMs: number; readonly toMs: number }
  /** The version that answered most of it: the one that is judged. */
  readonly modelVersion: string
  /** What the parts before this one have found of the window, now or earlier. */
  readonly found: Partial<Verdicts>
  /** Live predictions, whichever version answered. */
  rows(): Promise<readonly PredictionRow[]>
  /** Long arithmetic over them, which may be done elsewhere: what takes longer than a request may wait is a work. */
  work<Name extends WorkName>(name: Name, input: WorkInput<Name>): Promise<WorkResult<Name>>
  /**
   * How the values of each column that a reference knows, and the answers, fall into its bins: of all predictions, from
   * the hours' profiles where the window is whole hours, else from `rows`.
   */
  look(reference: Reference): Promise<Look>
  /** How many predictions each revision made, and how long they took. */
  answers(): Promise<readonly Answers[]>
  /** What was counted in the hours of the clock that it spans; undefined where it is no whole hours, or nobody counts. */
  usage(): Promise<readonly UsageHour[] | undefined>
  reference(): Promise<KnownReference>
  /** Answers questions in SQL over its rows. */
  ask(questions: Readonly<Record<string, string>>): Promise<Readonly<Record<string, RowAnswer>>>
  /** What tells how good its answers are before their truths are known; `roles` say how answers are read. */
  estimator(roles: Roles): Promise<KnownEstimator>
  /** How columns of the reference hang together. */
  structure(): Promise<KnownStructure>
  /** What is promised of the data that the version was trained on. */
  contract(): Promise<KnownContract>
  readonly checks: LiveContracts['check']
  /** The windows before this one, oldest first, of any version. */
  earlier(count: number): Promise<readonly Window[]>
  /** The window that starts at a time, if it was evaluated. */
  at(startMs: number): Promise<Window | undefined>
}
