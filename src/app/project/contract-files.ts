import { existsSync, readFileSync, readdirSync } from 'node:fs'
import { isAbsolute, join, relative, resolve, sep } from 'node:path'
import { sha256 } from '#base/digest'
import { Problem } from '#base/problem'
import type { Contract } from '#contracts'
import { readContract } from '#protocols/odcs/index'

/** A contract of a project, as its file has it. */
export interface ContractFile {
  /** Relative to the project's root. */
  readonly file: string
  /** SHA-256 of its text, and of what orrery.yaml says of its data. */
  readonly digest: string
  readonly contract: Contract
}

export const CONTRACT = /\.odcs\.ya?ml$/

/** Where contracts are looked for: beside orrery.yaml, and in this folder. */
const FOLDER = 'contracts'

/** All contracts of a project, in the order of their files. Throws `invalid` for one that is not right. */
export function contractFilesOf(
  root: string,
  placed: Readonly<Record<string, string>>,
): ContractFile[] {
  const named = Object.values(placed).map((value) => value.split('#')[0] ?? '')
  const found = ['', FOLDER].flatMap((folder) =>
    existsSync(join(root, folder))
      ? readdirSync(join(root, folder))
          .filter((name) => CONTRACT.test(name))
          .map((name) => (folder === '' ? name : `${folder}/${name}`))
      : [],
  )
  return [...new Set([...found, ...named])]
    .toSorted()
    .map((file) => contractFileAt(root, file, placed))
}

/** One contract, with the places of its data that orrery.yaml names put in. */
export function contractFileAt(
  root: string,
  file: string,
  placed: Readonly<Record<string, string>> = {},
): ContractFile {
  const whole = resolve(root, file)
  if (!existsSync(whole))
    throw new Problem(
      'not-found',
      `there is no contract ${file}; make one with orrery validate --infer DATA -o ${file}`,
    )
  return contractIn(relative(root, whole).split(sep).join('/'), readFileSync(whole, 'utf8'), placed)
}

/** The contract that a file's text is. Throws `invalid`. */
export function contractIn(
  file: string,
  text: string,
  placed: Readonly<Record<string, string>>,
): ContractFile {
  const { contract, problems } = readContract(text)
  if (contract === undefined)
    throw new Problem(
      'invalid',
      `${file} is not right:\n${problems
        .map(
          ({ line, key, message }) => `  line ${line}${key === '' ? '' : `, ${key}`}: ${message}`,
        )
        .join('\n')}`,
      { problems },
    )
  const places = placesIn(file, contract, placed)
  const datasets = contract.datasets.map((dataset) => {
    const path = places.get(dataset.name) ?? dataset.path
    return path === undefined ? dataset : { ...dataset, path }
  })
  return {
    file,
    digest: sha256(JSON.stringify([text, [...places]])),
    contract: { ...contract, datasets },
  }
}

/** A contract may come from anybody: only a person says that data is outside of the project, by giving its path. */
export function assertStaysInside(
  { file, contract }: ContractFile,
  given: { has(dataset: string): boolean },
): void {
  for (const { name, path, rules } of contract.datasets) {
    if (path !== undefined && !given.has(name)) assertInside(file, name, path)
    for (const { test } of rules)
      if (test.kind === 'drift') assertInside(file, `the reference of ${name}`, test.reference)
  }
}

function assertInside(file: string, dataset: string, path: string): void {
  const up = relative('.', path).split(sep)[0] === '..'
  if (isAbsolute(path) || up || path.includes('\0') || /^[a-z0-9+]+:\/\//i.test(path))
    throw new Problem(
      'invalid',
      `${file} says that ${dataset} is at ${path}, which is not inside the project; give the path: orrery validate ${dataset}=PATH --contract ${file}`,
    )
}

function placesIn(
  file: string,
  contract: Contract,
  placed: Readonly<Record<string, string>>,
): ReadonlyMap<string, string> {
  const places = new Map<string, string>()
  for (const [path, value] of Object.entries(placed)) {
    const [named = '', object] = value.split('#')
    if (named.replace(/^\.\//, '') !== file) continue
    const dataset =
      object === undefined && contract.datasets.length === 1
        ? contract.datasets[0]
        : contract.datasets.find(({ name }) => name === object)
    if (dataset === undefined)
      throw new Problem(
        'invalid',
        `orrery.yaml, contracts.${path}: write ${file}#NAME with one of ${contract.datasets.map(({ name }) => name).join(', ')}`,
      )
    places.set(dataset.name, path.replace(/\/$/, ''))
  }
  return places
}
