import { command } from '../command.ts'

export const status = command({
  command: 'status [targets..]',
  describe: 'Show which data and stages differ from what was recorded',
  builder: (argv) =>
    argv.positional('targets', { type: 'string', array: true }).option('quiet', {
      alias: 'q',
      type: 'boolean',
      default: false,
      describe: 'Say nothing; exit with 1 if something differs',
    }),
  handler: async (flags) => {
    const { calledIn, say } = await import('../workspace.ts')
    const { statusJson } = await import('#protocols/dvc/status')
    const here = calledIn()
    const targets = here.targets(flags.targets)
    const { tracked } = await here.pipelines.load()
    const isData = (target: string) =>
      tracked.some(
        ({ path, owner }) =>
          path === target || owner.file === target || target.startsWith(`${path}/`),
      )
    const ofData = targets.filter(isData)
    const ofStages = targets.filter((target) => !isData(target))
    const data = targets.length > 0 && ofData.length === 0 ? [] : await here.data.status(ofData)
    const stages =
      targets.length > 0 && ofStages.length === 0 ? [] : await here.pipelines.status(ofStages)
    const json = statusJson(data, stages)
    if (flags.quiet) {
      if (Object.keys(json).length > 0) process.exitCode = 1
      return
    }
    const { inWords } = await import('#stages')
    const lines = [
      ...data.map(({ path, change }) => `${here.shown(path)} is ${change}`),
      ...stages
        .filter(({ reasons }) => reasons.length > 0)
        .flatMap(({ stage, lock, reasons }) => {
          const why = lock === undefined ? ['it has not run before'] : reasons.map(inWords)
          return [`${stage.address} would run:`].concat(why.map((each) => `  ${each}`))
        }),
    ]
    say(flags, json, lines.length === 0 ? ['Data and pipelines are up to date.'] : lines)
  },
})
