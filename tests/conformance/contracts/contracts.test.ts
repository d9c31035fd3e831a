import { execFileSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { pythonBin } from '../../support/python.ts'
import { MAIN } from '../../support/orrery.ts'

const CONTRACT = `apiVersion: v3.1.0
kind: DataContract
id: orders
version: 1.0.0
status: active
schema:
  - name: orders
    physicalName: data/orders
    quality:
      - { metric: duplicateValues, arguments: { properties: [kind, customer] }, mustBe: 0 }
      - { metric: rowCount, mustBeLessThan: 10 }
      - { type: sql, query: 'select count(*) from {object} where amount > customer', mustBe: 0 }
    properties:
      - { name: id, logicalType: integer, unique: true }
      - name: kind
        logicalType: string
        required: true
        quality:
          - { metric: invalidValues, arguments: { validValues: [open, closed, "it's"] }, mustBe: 0 }
          - { type: custom, engine: orrery, implementation: { check: distinct, mustBeGreaterThan: 10 } }
      - name: code
        logicalType: string
        logicalTypeOptions: { pattern: '^[A-Z]{2}-[0-9]+$', minLength: 3, maxLength: 5 }
        quality: [{ metric: missingValues, arguments: { missingValues: [''] }, mustBe: 0 }]
      - name: amount
        logicalType: number
        logicalTypeOptions: { minimum: 0, maximum: 100 }
        quality: [{ type: custom, engine: orrery, implementation: { check: infinite } }]
      - name: count
        logicalType: integer
        logicalTypeOptions: { exclusiveMinimum: 0, maximum: 90, multipleOf: 3 }
      - name: customer
        logicalType: integer
        relationships: [{ to: people.id }]
      - name: day
        logicalType: timestamp
        logicalTypeOptions: { maximum: '2024-12-31' }
  - name: people
    physicalName: data/people.parquet
    properties: [{ name: id, logicalType: integer, primaryKey: true }]
`

interface Told {
  readonly pandas: Readonly<Record<string, number>>
  readonly code: number
  readonly checks: readonly {
    readonly id: string
    readonly observed: number
    readonly outcome: string
    readonly examples: readonly { file: string; row: number }[]
  }[]
  readonly first: readonly [string, number]
  readonly kept: readonly [number, string]
  readonly wrong: readonly string[]
  readonly roundTrip: boolean
  readonly unknown: readonly string[]
  readonly junit: readonly [number, number]
}

let folder: string
let told: Told

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'orrery-contract-oracle-'))
  mkdirSync(join(folder, 'contracts'))
  writeFileSync(join(folder, 'contracts', 'orders.odcs.yaml'), CONTRACT)
  const orrery = JSON.stringify([process.execPath, MAIN])
  const said = execFileSync(
    join(pythonBin(), 'python'),
    [resolve('tests/conformance/contracts/oracle.py'), folder, orrery],
    { maxBuffer: 2 ** 26 },
  )
  told = JSON.parse(said.toString()) as Told
})
afterAll(() => rmSync(folder, { recursive: true, force: true }))

describe('a contract, beside pandas and the libraries of the standards', () => {
  test('counts what pandas counts', () => {
    const ours = Object.fromEntries(
      Object.keys(told.pandas).map((id) => [
        id,
        told.checks.find((check) => check.id === id)?.observed,
      ]),
    )
    expect(ours).toEqual(told.pandas)
    expect(told.code).toBe(1)
    const failed = told.checks.filter(({ outcome }) => outcome === 'failed')
    expect(failed.map(({ id }) => id).toSorted()).toEqual(Object.keys(told.pandas).toSorted())
    expect(told.junit).toEqual([told.checks.length, failed.length])
  })

  test('shows the first row that breaks a rule, by its file and place', () => {
    const [example] = told.checks.find(({ id }) => id === 'orders.kind.nulls')?.examples ?? []
    expect([example?.file, example?.row]).toEqual(told.first)
  })

  test('that was proposed from data is kept by it', () => {
    expect(told.kept).toEqual([0, 'passed'])
  })

  test('is what the schema of the Open Data Contract Standard allows', () => {
    expect(told.wrong).toEqual([])
  })

  test('goes to a schema of TFDV and back without loss, and names anomalies as TFDV does', () => {
    expect(told.roundTrip).toBe(true)
    expect(told.unknown).toEqual([])
  })
})
