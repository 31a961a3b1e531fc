/** Says once, when it changes, that a setting of a Service was not taken and what holds instead. */
import { nameOf, objectKey, type EventRecorder, type Service } from '../kube/index.ts';
import type { Logger } from '../obs/index.ts';
import { serviceSettings } from './service-settings.ts';

export interface ProblemLog {
  check(service: Service): void;
}

/** Services whose problems are remembered, so as not to repeat them; the oldest are forgotten first. */
const maxRemembered = 10_000;

export function createProblemLog(log: Logger, events?: EventRecorder): ProblemLog {
  const said = new Map<string, string>();
  return {
    check: (service) => {
      const { problems } = serviceSettings(service);
      const key = objectKey(nameOf(service));
      const text = JSON.stringify(problems);
      if ((said.get(key) ?? '[]') === text) return;
      said.delete(key);
      if (problems.length > 0) said.set(key, text);
      const [oldest] = said.keys();
      if (said.size > maxRemembered && oldest !== undefined) said.delete(oldest);
      for (const { key: annotation, problem, fallback } of problems) {
        log.warn('Setting of a Service not taken', { service: key, annotation, problem, fallback });
        events?.record(service, {
          type: 'Warning',
          reason: 'SettingNotTaken',
          message: `${annotation} is not taken as it stands: ${problem}; ${fallback}`,
        });
      }
    },
  };
}
