import { existsSync, readFileSync, readdirSync, statSync } from 'node:fs'
import { isAbsolute, join, posix, relative, resolve, sep } from 'node:path'
import { sha256 } from '#base/digest'
import { Problem } from '#base/problem'
import type { Contract, OtherDataset } from '#contracts'
import { readContract, type OtherContract } from '#protocols/odcs/index'

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
  const name = relative(root, whole).split(sep).join('/')
  return contractIn(name, readFileSync(whole, 'utf8'), placed, otherAt(root, name))
}

/** A contract that another one names: from that one's folder, and never outside of the project. */
function otherAt(root: string, from: string): OtherContract {
  return (written) => {
    if (/^https?:/i.test(written))
      return {
        unchecked: `${written} is not fetched; keep that contract in the project, and point there`,
      }
    const local = written.replace(/^file:\/\//i, '')
    const whole = resolve(root, posix.dirname(from), local)
    const file = relative(root, whole).split(sep).join('/')
    if (file.startsWith('../') || isAbsolute(file))
      return { refusal: `${written} is not inside the project; keep that contract in it` }
    if (statSync(whole, { throwIfNoEntry: false })?.isFile() !== true)
      return {
        refusal: `there is no contract ${file}; write the path of one as it counts from ${posix.dirname(from)}/`,
      }
    return { file, text: readFileSync(whole, 'utf8') }
  }
}

/** The contract that a file's text is. Throws `invalid`. */
export function contractIn(
  file: string,
  text: string,
  placed: Readonly<Record<string, string>>,
  other?: OtherContract,
): ContractFile {
  const texts = [text]
  const { contract, problems } = readContract(text, other && noting(other, texts))
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
  const others = (contract.others ?? []).map((dataset) => placedOther(dataset, placed))
  const otherPlaces = others.map(({ name, path }) => [name, path])
  return {
    file,
    digest: sha256(JSON.stringify([...texts, [...places], ...otherPlaces])),
    contract: { ...contract, datasets, ...(others.length === 0 ? {} : { others }) },
  }
}

/** What a verdict depends on are also the contracts that were read on the way. */
function noting(other: OtherContract, texts: string[]): OtherContract {
  return (written) => {
    const found = other(written)
    if ('text' in found) texts.push(found.text)
    return found
  }
}

function placedOther(
  dataset: OtherDataset,
  placed: Readonly<Record<string, string>>,
): OtherDataset {
  const { contract, object } = dataset
  const named = Object.entries(placed).find(([, value]) => {
    const [file = '', name = object] = value.split('#')
    return file.replace(/^\.\//, '') === contract && name === object
  })
  return named === undefined ? dataset : { ...dataset, path: named[0].replace(/\/$/, '') }
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
  for (const { contract: other, object, path } of contract.others ?? [])
    if (path !== undefined) assertInside(other, object, path)
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
