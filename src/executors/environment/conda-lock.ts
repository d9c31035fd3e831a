import { readFileSync } from 'node:fs'
import { parse } from 'yaml'
import { messageOf, Problem } from '#base/problem'
import type { CondaLock } from './spec.ts'

const PLATFORMS: Readonly<Record<string, string>> = {
  'linux x64': 'linux-64',
  'linux arm64': 'linux-aarch64',
  'linux ppc64': 'linux-ppc64le',
  'darwin x64': 'osx-64',
  'darwin arm64': 'osx-arm64',
  'win32 x64': 'win-64',
}

/** A lock of conda: an explicit list, or what conda-lock writes for several platforms. */
export function condaLockIn(file: string): CondaLock {
  const text = readFileSync(file, 'utf8')
  const platform = PLATFORMS[`${process.platform} ${process.arch}`] ?? 'noarch'
  const packages = /^@EXPLICIT\s*$/m.test(text)
    ? explicitIn(text, { file, platform })
    : unifiedIn(text, { file, platform })
  return { kind: 'conda-lock', file, ...packages }
}

type Packages = Pick<CondaLock, 'packages' | 'pip'>

interface From {
  readonly file: string
  readonly platform: string
}

function explicitIn(text: string, { file, platform }: From): Packages {
  const made = /^#\s*platform:\s*(\S+)/m.exec(text)?.[1]
  if (made !== undefined && made !== platform)
    throw new Problem(
      'invalid',
      `${file} is locked for ${made}, and this machine is ${platform}; lock it for both (conda-lock -p ${made} -p ${platform})`,
    )
  const lines = text.split(/\r?\n/).map((line) => line.trim())
  const pip = lines.flatMap((line) => /^#\s*pip\s+(\S.*)$/.exec(line)?.[1] ?? [])
  const packages = lines.filter((line) => line !== '' && !/^[#@]/.test(line))
  for (const line of packages)
    if (!/^(https?|file):\/\/\S+$/.test(line))
      throw new Problem('invalid', `${file}: '${line}' is no address of a package`)
  return { packages, pip }
}

interface Entry {
  readonly name?: unknown
  readonly manager?: unknown
  readonly platform?: unknown
  readonly url?: unknown
  readonly category?: unknown
  readonly hash?: { readonly md5?: unknown; readonly sha256?: unknown }
}

/** What conda-lock writes: packages of every platform, those of pip after those of conda. */
function unifiedIn(text: string, { file, platform }: From): Packages {
  const entries = entriesIn(text, file)
  const here = entries.filter(
    (entry) => entry.platform === platform && (entry.category ?? 'main') === 'main',
  )
  if (here.length === 0) {
    const locked = [...new Set(entries.map((entry) => String(entry.platform)))]
    throw new Problem(
      'invalid',
      `${file} has no packages for ${platform}, only for ${locked.join(', ') || 'nothing'}; lock it again (conda-lock -p ${platform})`,
    )
  }
  const managed = (manager: string) => here.filter((entry) => entry.manager === manager)
  return {
    packages: managed('conda').map((entry) => {
      const { md5, sha256 } = entry.hash ?? {}
      if (typeof md5 === 'string') return `${addressOf(entry, file)}#${md5}`
      return typeof sha256 === 'string'
        ? `${addressOf(entry, file)}#sha256:${sha256}`
        : addressOf(entry, file)
    }),
    pip: managed('pip').map((entry) => {
      const { sha256 } = entry.hash ?? {}
      const hash = typeof sha256 === 'string' ? ` --hash=sha256:${sha256}` : ''
      return `${String(entry.name)} @ ${addressOf(entry, file)}${hash}`
    }),
  }
}

function entriesIn(text: string, file: string): Entry[] {
  let lock: unknown
  try {
    lock = parse(text)
  } catch (error) {
    throw new Problem('invalid', `${file} cannot be read: ${messageOf(error).split('\n')[0]}`)
  }
  const { package: packages } = (lock ?? {}) as { package?: unknown }
  if (Array.isArray(packages)) return packages as Entry[]
  throw new Problem(
    'invalid',
    `${file} is no lock of conda; make one with conda-lock, or with conda list --explicit --md5. An environment.yml names no versions to build the same from`,
  )
}

function addressOf({ url, name }: Entry, file: string): string {
  if (typeof url === 'string' && /^(https?|file):\/\/\S+$/.test(url)) return url
  throw new Problem('invalid', `${file}: the package ${String(name)} has no address`)
}
