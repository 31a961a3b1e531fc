/** kubectl and helm against an API server of a test's own, which both end with the test file. */
import assert from 'node:assert/strict';
import { after, before, test, type TestContext } from 'node:test';
import { startApi, type TestApi, type TestApiOptions } from './api.ts';
import { clusterTools, runTool, type ClusterTools, type ToolResult } from './kubectl.ts';

export interface RunOptions {
  readonly input?: string;
  readonly env?: Readonly<Record<string, string>>;
  readonly kubeconfig?: string;
}

export interface KubectlRuns {
  /** Once the tests run. */
  readonly api: () => TestApi;
  readonly tool: (
    name: keyof ClusterTools,
    line: string,
    options?: RunOptions,
  ) => Promise<ToolResult>;
  /** Runs kubectl, which must end well; its output. */
  readonly ok: (line: string, options?: RunOptions) => Promise<string>;
  /** Runs kubectl, which must not end well; its output. */
  readonly fails: (line: string, options?: RunOptions) => Promise<string>;
  /** A test that is skipped, and says why, where there is no kubectl. */
  readonly withTools: (name: string, work: () => Promise<void>) => void;
}

/** Starts with the tests of the file that calls it. */
export function kubectlRuns(options: TestApiOptions): KubectlRuns {
  let started: TestApi | undefined;
  let tools: ClusterTools | string;
  before(async () => {
    tools = await clusterTools();
    started = await startApi(options);
  });
  after(() => started?.stop());
  const api = (): TestApi => {
    assert.ok(started !== undefined);
    return started;
  };
  const tool: KubectlRuns['tool'] = async (name, line, run = {}) => {
    assert.ok(typeof tools === 'object');
    const { kubeconfig = api().kubeconfig, input, env = {} } = run;
    const args = line.split(' ').filter((word) => word !== '');
    return await runTool(tools[name], { args, kubeconfig, home: api().folder, input, env });
  };
  return {
    api,
    tool,
    ok: async (line, run) => {
      const { code, stdout, stderr } = await tool('kubectl', line, run);
      assert.equal(code, 0, `kubectl ${line}\n${stdout}${stderr}`);
      return stdout + stderr;
    },
    fails: async (line, run) => {
      const { code, stdout, stderr } = await tool('kubectl', line, run);
      assert.notEqual(code, 0, `kubectl ${line}\n${stdout}`);
      return stdout + stderr;
    },
    withTools: (name, work) => {
      test(name, async (t: TestContext) =>
        typeof tools === 'string' ? t.skip(tools) : await work(),
      );
    },
  };
}
