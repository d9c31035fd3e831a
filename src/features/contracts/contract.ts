import { NONE, type LogicalType, type Rule, type Test } from './rule.ts'

/** What somebody promises of data, whatever file it was read from. */
export interface Contract {
  readonly id: string
  readonly name: string
  readonly version: string
  readonly datasets: readonly Dataset[]
  /** Those of other contracts that rules point at. */
  readonly others?: readonly OtherDataset[]
  /** What other tools have to say that no rule says, by their names; kept word for word. */
  readonly kept?: Readonly<Record<string, string>>
}

/** A table of another contract, which has no rules here. Its name is its contract's and its own: `FILE#NAME`. */
export interface OtherDataset extends Dataset {
  readonly contract: string
  /** As its own contract calls it. */
  readonly object: string
}

/** One table of a contract. */
export interface Dataset {
  readonly name: string
  /** A file, a folder or a pattern of files, relative to the project's root; undefined where the contract names none. */
  readonly path: string | undefined
  readonly columns: readonly Column[]
  readonly rules: readonly Rule[]
}

export interface Column {
  /** As the data has it. */
  readonly name: string
  /** Undefined for any. */
  readonly type: LogicalType | undefined
}

/** A rule that no row may break, under the name that its kind and column give it. */
export function strictRule(
  dataset: string,
  test: Test,
  more: Partial<Omit<Rule, 'test'>> = {},
): Rule {
  return {
    id: ruleId(dataset, test),
    severity: 'error',
    limit: NONE,
    description: undefined,
    ...more,
    test,
  }
}

export function ruleId(dataset: string, test: Test): string {
  const of = columnsOf(test)
  return [dataset, ...(of.length === 0 ? [] : [of.join('+')]), test.kind].join('.')
}

/** The columns that a test is about. */
export function columnsOf(test: Test): readonly string[] {
  if (test.kind === 'rows' || test.kind === 'other-columns') return []
  if ('columns' in test) return test.columns
  return test.column === undefined ? [] : [test.column]
}

/** Whether what a contract says of data can change although the data does not. */
export function dependsOnTime(contract: Contract): boolean {
  return contract.datasets.some(({ rules }) => rules.some(({ test }) => test.kind === 'age'))
}
