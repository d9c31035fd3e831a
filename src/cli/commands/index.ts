import type { Command } from '../command.ts'
import { doctor } from './doctor.ts'
import { project } from './project.ts'
import { up } from './up.ts'

export const commands: readonly Command[] = [up, doctor, project]
