import type { Argv } from 'yargs'
import type { Stage } from '#stages'
import { command, QUIET } from '../command.ts'

const list = command({
  command: 'list [targets..]',
  describe: 'List stages and what they are for',
  builder: (argv: Argv) =>
    argv
      .positional('targets', {
        type: 'string',
        array: true,
        describe: 'Stages, dvc.yaml files, or with -R folders (default: dvc.yaml here)',
      })
      .option('all', { type: 'boolean', default: false, describe: 'All stages of the project' })
      .option('recursive', {
        alias: 'R',
        type: 'boolean',
        default: false,
        describe: 'Everything in the folders that are named',
      })
      .option('name-only', {
        alias: ['names-only'],
        type: 'boolean',
        default: false,
        describe: 'Only their names',
      })
      .option('fail', {
        type: 'boolean',
        default: false,
        describe: 'Fail where a file has faults, instead of listing the others',
      }),
  handler: async (flags) => {
    const { Problem } = await import('#base/problem')
    const { isWithin } = await import('#data')
    const { calledIn, say } = await import('../workspace.ts')
    const here = calledIn()
    const { stages, problems } = await here.pipelines.load()
    const [problem] = problems
    if (flags.fail && problem !== undefined)
      throw new Problem('invalid', `${problem.file}: ${problem.message}`)
    const named = here.targets(flags.targets)
    const own = here.folder === '' ? 'dvc.yaml' : `${here.folder}/dvc.yaml`
    const targets = named.length === 0 ? [own] : named
    const found = flags.all
      ? stages
      : targets.flatMap((target) => {
          const these = stages.filter(
            ({ address, file }) =>
              address === target ||
              file === target ||
              address.startsWith(`${target}@`) ||
              (flags.recursive && isWithin(file, target)),
          )
          if (these.length > 0 || named.length === 0 || flags.recursive) return these
          throw new Problem('not-found', `${target} names no stage and no dvc.yaml with stages`)
        })
    const shown = [...new Set(found)].map((stage) => ({ stage, text: descriptionOf(stage) }))
    const width = Math.max(0, ...shown.map(({ stage }) => stage.address.length))
    say(
      flags,
      { stages: shown.map(({ stage, text }) => ({ name: stage.address, description: text })) },
      shown.map(({ stage, text }) =>
        flags.nameOnly ? stage.address : `${stage.address.padEnd(width)}  ${text}`.trimEnd(),
      ),
    )
  },
})

const TEXT_MAX = 80

function names(all: readonly { written: string }[]): string {
  return all.map(({ written }) => written).join(', ')
}

/** Its description, else what it writes, in dvc's words. */
function descriptionOf({ description, deps, outs, params }: Stage): string {
  const plain = outs.filter(({ kind }) => kind === 'out')
  const reports = outs.filter(({ kind }) => kind !== 'out')
  const said = [
    ...(plain.length > 0 ? [`Outputs ${names(plain)}`] : []),
    ...(reports.length > 0 ? [`Reports ${names(reports)}`] : []),
  ]
  const needs = [...deps, ...params]
  const made =
    outs.length > 0
      ? said.join('; ')
      : needs.length > 0
        ? `Depends on ${names(needs)}`
        : 'No outputs or dependencies'
  const text = (description?.split('\n')[0] ?? '') || made
  return text.length > TEXT_MAX ? `${text.slice(0, TEXT_MAX - 1)}…` : text
}

function several(describe: string, alias?: string) {
  return {
    type: 'string',
    array: true,
    nargs: 1,
    default: [] as string[],
    describe,
    ...(alias === undefined ? {} : { alias }),
  } as const
}

function outsAt(paths: readonly string[], cache: boolean, persist = false) {
  return paths.map((path) => ({ path, cache, persist }))
}

const add = command({
  command: 'add [command..]',
  describe: 'Write a stage into dvc.yaml',
  builder: (argv: Argv) =>
    argv
      .positional('command', {
        type: 'string',
        array: true,
        describe: 'What it runs: all words that follow the options',
      })
      .option('name', { alias: 'n', type: 'string', demandOption: true, describe: 'Its name' })
      .option('deps', several('What it reads', 'd'))
      .option('params', several('Parameters: name,name or file:name, or file: for all', 'p'))
      .option('outs', several('What it writes', 'o'))
      .option('outs-no-cache', several('What it writes and Git keeps', 'O'))
      .option('outs-persist', several('What it writes, left in place when it runs again'))
      .option('outs-persist-no-cache', several('Both of these'))
      .option('metrics', several('Metrics that it writes', 'm'))
      .option('metrics-no-cache', several('Metrics that it writes and Git keeps', 'M'))
      .option('plots', several('Plots that it writes'))
      .option('plots-no-cache', several('Plots that it writes and Git keeps'))
      .option('wdir', { alias: 'w', type: 'string', describe: 'Folder that it runs in' })
      .option('desc', { type: 'string', describe: 'What it is for' })
      .option('always-changed', { type: 'boolean', default: false, describe: 'Run it every time' })
      .option('force', {
        alias: 'f',
        type: 'boolean',
        default: false,
        describe: 'Write a stage of that name anew',
      })
      .option('run', { type: 'boolean', default: false, describe: 'Run it at once' })
      .option('quiet', QUIET)
      .parserConfiguration({ 'populate--': true })
      .example(
        '$0 stage add -n train -d data -p lr -o model -M m.json python train.py --fast',
        'a stage with parameters and metrics',
      ),
  handler: async (flags) => {
    const { calledIn, say } = await import('../workspace.ts')
    const here = calledIn()
    const cmd = commandOf([...(flags.command ?? []), ...behindDashes(flags)])
    if (cmd === '') {
      const { Problem } = await import('#base/problem')
      throw new Problem('invalid', 'name what the stage runs, for example: python train.py')
    }
    const edits = await here.stageEdits()
    const file = here.folder === '' ? 'dvc.yaml' : `${here.folder}/dvc.yaml`
    const address = await edits.add(
      { file, name: flags.name, force: flags.force },
      {
        cmd,
        wdir: flags.wdir,
        desc: flags.desc,
        deps: flags.deps,
        params: flags.params,
        outs: [
          ...outsAt(flags.outs, true),
          ...outsAt(flags.outsNoCache, false),
          ...outsAt(flags.outsPersist, true, true),
          ...outsAt(flags.outsPersistNoCache, false, true),
        ],
        metrics: [...outsAt(flags.metrics, true), ...outsAt(flags.metricsNoCache, false)],
        plots: [...outsAt(flags.plots, true), ...outsAt(flags.plotsNoCache, false)],
        alwaysChanged: flags.alwaysChanged,
      },
    )
    const result = flags.run
      ? await here.pipelines.repro({ targets: [address], singleItem: true })
      : undefined
    const failed = result?.steps.find(({ failure }) => failure !== null)
    say(flags, { stage: address, file, ...(result === undefined ? {} : { result }) }, [
      ...(flags.quiet ? [] : [`Added ${address} to ${file}`]),
      ...(failed === undefined ? [] : [`${failed.name}: failed: ${failed.failure}`]),
    ])
    if (failed !== undefined) process.exitCode = 1
  },
})

function behindDashes(flags: object): string[] {
  const rest: unknown = Reflect.get(flags, '--')
  return Array.isArray(rest) ? rest.map(String) : []
}

/** One word is a whole command; several are put together as a shell would read them. */
function commandOf(words: readonly string[]): string {
  if (words.length < 2) return words.join('')
  return words
    .map((word) =>
      word === '' ? '""' : word.includes(' ') && !word.includes('"') ? `"${word}"` : word,
    )
    .join(' ')
}

export const stage = command({
  command: 'stage <command>',
  describe: 'Write and list stages',
  builder: (argv) =>
    argv.command(list).command(add).demandCommand(1, 'Name what to do: list or add.'),
  handler: () => {},
})
