/** The entry of a worker that does one thing to a kept package. */
import { createWebPackageTasks } from '@/jobs/host/packages/web-package-tasks.ts';
import { performPackageTask, servePackageTask } from './package-server.ts';

const tasks = createWebPackageTasks();

servePackageTask((call, signal) => performPackageTask(tasks, call, signal), self);
