import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { parse } from 'yaml'
import { sha256 } from '#base/digest'
import { messageOf, Problem } from '#base/problem'
import { environmentBuilder, type EnvironmentOptions } from './index.ts'
import type { EnvironmentSpec } from './spec.ts'

/** A build that failed is not tried again so soon: who asks for it again would only wait for the same. */
const FAILED_MS = 120_000

/**
 * Gives the Python that an MLflow model's folder asks for by its requirements.txt, python_env.yaml or conda.yaml,
 * building its environment when it is first asked for. Throws `unavailable` when it cannot be built.
 */
export function modelPythons(options: Omit<EnvironmentOptions, 'spec'>) {
  const failed = new Map<string, { problem: Problem; atMs: number }>()
  return async (
    folder: string,
    onProgress: (doing: string) => void,
    signal?: AbortSignal,
  ): Promise<string> => {
    const spec = specOf(folder, options.folder)
    const text = spec.source?.kind === 'requirements' ? spec.source.text : ''
    const key = sha256(`${spec.python ?? ''}\n${text}`)
    const before = failed.get(key)
    if (before !== undefined && options.nowMs() - before.atMs < FAILED_MS) throw before.problem
    failed.delete(key)
    const packages = text.split('\n').filter((line) => /^\s*[\w@/.]/.test(line)).length
    try {
      const { variables } = await environmentBuilder({ ...options, spec }).prepare(
        (line) => onProgress(`installing ${packages} packages: ${line.slice(0, 200)}`),
        signal,
      )
      return join(variables['VIRTUAL_ENV'] ?? '', 'bin', 'python')
    } catch (error) {
      const problem = notBuilt(error)
      failed.set(key, { problem, atMs: options.nowMs() })
      throw problem
    }
  }
}

function notBuilt(error: unknown): Problem {
  return new Problem(
    'unavailable',
    `${messageOf(error)}\nwhere packages cannot be installed, set modelPython to a Python that has those of the model's requirements.txt`,
  )
}

/** What the files of a model ask for, as MLflow reads them. */
function specOf(folder: string, scratch: string): EnvironmentSpec {
  const file = join(folder, 'requirements.txt')
  const conda = yamlIn(join(folder, 'conda.yaml'))
  const environment = yamlIn(join(folder, 'python_env.yaml'))
  const python = minorOf(environment['python']) ?? minorOf(condaPython(conda))
  if (existsSync(file)) {
    const constraints = join(folder, 'constraints.txt')
    const more = existsSync(constraints) ? readFileSync(constraints, 'utf8') : ''
    const text = readFileSync(file, 'utf8') + more
    return { python, source: { kind: 'requirements', file, text, folder } }
  }
  const text = `${condaPackages(conda).join('\n')}\n`
  mkdirSync(scratch, { recursive: true })
  const written = join(scratch, `${sha256(text)}.txt`)
  writeFileSync(written, text)
  return { python, source: { kind: 'requirements', file: written, text, folder } }
}

function yamlIn(file: string): Record<string, unknown> {
  if (!existsSync(file)) return {}
  try {
    const value: unknown = parse(readFileSync(file, 'utf8'))
    return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {}
  } catch (error) {
    throw new Problem(
      'invalid',
      `the model's environment cannot be read: ${messageOf(error).split('\n')[0]}; log the model again`,
    )
  }
}

/** A pickle of Python 3.11.7 is read by every 3.11. */
function minorOf(version: unknown): string | undefined {
  return typeof version === 'string' ? /^\d+\.\d+/.exec(version)?.[0] : undefined
}

function condaDependencies(conda: Record<string, unknown>): unknown[] {
  return Array.isArray(conda['dependencies']) ? conda['dependencies'] : []
}

function condaPython(conda: Record<string, unknown>): string | undefined {
  const found = condaDependencies(conda).find(
    (each): each is string => typeof each === 'string' && /^python[=<>]/.test(each),
  )
  return found?.replace(/^python[=<>]+/, '')
}

/** Packages of pip; those that only conda has are not installed. */
function condaPackages(conda: Record<string, unknown>): string[] {
  const packages = condaDependencies(conda).flatMap((each) => {
    const { pip } = typeof each === 'object' && each !== null ? (each as { pip?: unknown }) : {}
    return Array.isArray(pip) ? pip.map(String) : []
  })
  return packages.some((each) => /^mlflow\b/.test(each)) ? packages : ['mlflow', ...packages]
}
