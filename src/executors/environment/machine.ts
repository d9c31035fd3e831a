import { readFileSync } from 'node:fs'
import { availableParallelism, cpus, release, type as osType } from 'node:os'
import type { EnvironmentRecord } from '#stages'

type Machine = Required<Pick<EnvironmentRecord, 'os' | 'cpu' | 'cpus'>> &
  Pick<EnvironmentRecord, 'cpuFlags' | 'glibc'>

/** What of this machine the bytes of a result may depend on. */
export function thisMachine(): Machine {
  const flags = vectorFlags()
  const glibc = glibcVersion()
  return {
    os: `${osType()} ${release()} ${process.arch}`,
    cpu: cpus()[0]?.model ?? 'unknown',
    cpus: availableParallelism(),
    ...(flags.length === 0 ? {} : { cpuFlags: flags }),
    ...(glibc === undefined ? {} : { glibc }),
  }
}

/** By these, libraries choose among ways to add and multiply, which round differently. */
function vectorFlags(): string[] {
  try {
    const text = readFileSync('/proc/cpuinfo', 'utf8')
    const line = /^(?:flags|Features)\s*:\s*(.*)$/m.exec(text)?.[1] ?? ''
    return line
      .split(' ')
      .filter((flag) => /^(sse4_[12]|avx\w*|fma|f16c|amx_\w+|asimd\w*|sve\w*)$/.test(flag))
      .toSorted()
  } catch {
    // Only Linux tells.
    return []
  }
}

function glibcVersion(): string | undefined {
  // Names of hosts would be looked up for it.
  const report: { excludeNetwork?: boolean; getReport(): object } = process.report
  report.excludeNetwork = true
  const { header } = report.getReport() as { header?: { glibcVersionRuntime?: string } }
  return header?.glibcVersionRuntime
}
