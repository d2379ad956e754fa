// Say everything in English and Chinese; the reader's choice is remembered.

const STORED = "trine-language";

const WORDS = {
  en: {
    other_language: "中文",
    skip: "Skip to content",
    search_label: "Find a block height, transaction, account address or transfer reference",
    search: "Search",
    now: "Now",
    height: "Height",
    block_rate: "Blocks a second",
    transaction_rate: "Transactions a second",
    last_block: "Last block",
    pending: "Waiting transactions",
    epoch: "Epoch",
    chart_title: "Transactions a second",
    chart_now: "now",
    chart_label: "Transactions a second over the last {s} seconds; now about {n}",
    validators: "Validators",
    validators_good: "all {n} in step",
    validators_some: "{good} of {n} in step",
    name: "Name",
    organisation: "Organisation",
    state: "State",
    in_step: "in step",
    behind_by: "{n} blocks behind",
    unreachable: "unreachable",
    latest_blocks: "Latest blocks",
    latest_transactions: "Latest transactions",
    none_yet: "None yet.",
    block: "Block",
    time: "Time",
    transactions: "Transactions",
    digest: "Digest",
    transaction: "Transaction",
    calls: "Calls",
    outcome: "Outcome",
    live: "Live",
    waiting: "Connecting",
    lost: "No connection to the node",
    idle: "No block for {n} s",
    closed_members: "This chain is read by members only",
    closed_roles: "This chain is read by accounts with a role only",
    closed_hint: "Its blocks, transactions and accounts are not for everybody who reaches a node."
      + " Read them with your key: by the trine command or a client.",
    genesis: "Genesis",
    trust: "Trust file",
    metrics: "Metrics",
    links: "Documents of this node",
    node: "Node {name}, version {version}",
    validator: "validator",
    follower: "follower",
    chain_id: "Chain id",
    suite: "suite {suite}",
    seconds_ago: "{n} s ago",
    minutes_ago: "{n} min ago",
    hours_ago: "{n} h ago",
    back: "Back to the overview",
    searching: "Searching …",
    nothing: "Nothing found for “{query}”",
    nothing_hint: "A height is a number; a transaction id has 64 hexadecimal digits, an address 40;"
      + " a transfer reference is 16 to 64 bytes, in hexadecimal or as text.",
    problem: "The node answered: {detail} ({code})",
    previous: "Previous block",
    next: "Next block",
    account: "Account",
    entry: "Evidence entry",
    transfers: "Transfers with this reference",
    not_included: "The node has no transaction with this id. It may never have arrived, have been"
      + " refused, or wait to be put into a block.",
    download_proof: "Download the proof",
    proof_hint: "Checks offline, without trusting this node:",
    more: "{n} more",
    yes: "yes",
    no: "no",
    none: "none",
    ok: "ok",
    call: "Call {n}",
    events: "Events",
    recent_transactions: "Recent transactions",
  },
  zh: {
    other_language: "English",
    skip: "跳到正文",
    search_label: "查找区块高度、交易、账户地址或转账附言",
    search: "查找",
    now: "现在",
    height: "高度",
    block_rate: "每秒区块",
    transaction_rate: "每秒交易",
    last_block: "最新区块",
    pending: "待处理交易",
    epoch: "纪元",
    chart_title: "每秒交易数",
    chart_now: "现在",
    chart_label: "最近 {s} 秒的每秒交易数；目前约 {n}",
    validators: "验证节点",
    validators_good: "{n} 个全部同步",
    validators_some: "{n} 个中 {good} 个同步",
    name: "名称",
    organisation: "机构",
    state: "状态",
    in_step: "同步",
    behind_by: "落后 {n} 个区块",
    unreachable: "无法连接",
    latest_blocks: "最新区块",
    latest_transactions: "最新交易",
    none_yet: "暂无。",
    block: "区块",
    time: "时间",
    transactions: "交易",
    digest: "摘要",
    transaction: "交易",
    calls: "调用",
    outcome: "结果",
    live: "实时",
    waiting: "正在连接",
    lost: "与节点的连接已断开",
    idle: "{n} 秒没有新区块",
    closed_members: "本链仅限成员读取",
    closed_roles: "本链仅限拥有角色的账户读取",
    closed_hint: "并非每个能访问本节点的人都可查看其区块、交易和账户。"
      + "请使用您的密钥，通过 trine 命令或客户端读取。",
    genesis: "创世文件",
    trust: "信任文件",
    metrics: "监控指标",
    links: "本节点的文档",
    node: "节点 {name}，版本 {version}",
    validator: "验证节点",
    follower: "跟随节点",
    chain_id: "链标识",
    suite: "密码套件 {suite}",
    seconds_ago: "{n} 秒前",
    minutes_ago: "{n} 分钟前",
    hours_ago: "{n} 小时前",
    back: "返回总览",
    searching: "正在查找……",
    nothing: "没有找到“{query}”",
    nothing_hint: "高度是数字；交易标识为 64 位十六进制，地址为 40 位；"
      + "转账附言为 16 至 64 字节，可用十六进制或文字输入。",
    problem: "节点答复：{detail}（{code}）",
    previous: "上一区块",
    next: "下一区块",
    account: "账户",
    entry: "存证条目",
    transfers: "带有此附言的转账",
    not_included: "节点没有此标识的交易：可能从未到达、已被拒绝，或仍在等待进入区块。",
    download_proof: "下载证明",
    proof_hint: "离线验证，无需信任本节点：",
    more: "另有 {n} 项",
    yes: "是",
    no: "否",
    none: "无",
    ok: "成功",
    call: "调用 {n}",
    events: "事件",
    recent_transactions: "最近的交易",
  },
};

/** Names of the API's fields; where one is missing its own name is shown. */
const FIELDS = {
  en: {
    id: "Id", time_ms: "Time", valid_until_ms: "Valid until", body_root: "Transactions root",
    key_index: "Key", gas_used: "Quota units", parent: "Parent", digest: "Digest",
    expires_ms: "Expires", to: "To", from: "From", media_type: "Media type",
  },
  zh: {
    id: "标识", digest: "摘要", height: "高度", index: "序号", time_ms: "时间", sender: "发送者",
    nonce: "随机数", key_index: "密钥", valid_until_ms: "有效至", code: "代码", number: "编号",
    failed_call: "失败的调用", gas_used: "配额单位", emitter: "来源", topics: "主题", data: "数据",
    module: "模块", method: "方法", arguments: "参数", decoded: "参数", epoch: "纪元", view: "视图",
    parent_view: "父视图", proposer: "提议者", parent: "父区块", body_root: "交易根",
    outcome_root: "结果根", evidence_root: "存证根", state_root: "状态根", accounts: "账户状态",
    values: "其他状态", root: "根", operations_root: "操作根", floor: "下限", size: "大小",
    parameters_version: "参数版本", epoch_change: "纪元变更", extension: "扩展",
    certified: "已认证", address: "地址", organisation: "机构", roles: "角色", frozen: "冻结",
    balance: "余额", keys: "密钥", algorithm: "算法", key: "公钥", key_count: "密钥数",
    live_keys: "有效密钥", nonce_base: "随机数起点", quota: "配额", quota_used: "已用配额",
    quota_window: "配额窗口", asset: "资产", amount: "数量", to: "收款方", from: "付款方",
    reference: "附言", transaction: "交易", log: "日志", entries: "条目", call: "调用",
    chain_id: "链标识", validators: "验证节点", name: "名称", modules: "可用模块",
    media_type: "媒体类型", signature: "签名", bytes: "字节数", entry: "条目", kind: "种类",
    action: "操作", expires_ms: "到期时间", log_name: "日志",
    certificate: "成员证书", fingerprint: "指纹", authority: "证书机构",
  },
};

let current = initial();

function initial() {
  try {
    const stored = localStorage.getItem(STORED);
    if (stored in WORDS) return stored;
  } catch {
    // Storage may be forbidden; the browser's language decides then.
  }
  return navigator.language.toLowerCase().startsWith("zh") ? "zh" : "en";
}

/** Language in use, `en` or `zh`. */
export function language() {
  return current;
}

/** Changes to the other language and remembers it. */
export function switchLanguage() {
  current = current === "en" ? "zh" : "en";
  try {
    localStorage.setItem(STORED, current);
  } catch {
    // The choice then lasts as long as the page.
  }
}

/** A text with its `{names}` filled in. */
export function t(key, values = {}) {
  return WORDS[current][key].replace(/\{(\w+)\}/g, (_, name) => values[name]);
}

/** What a field of the API is called. */
export function field(name) {
  const words = name.replaceAll("_", " ");
  return FIELDS[current][name] ?? words.charAt(0).toUpperCase() + words.slice(1);
}

/** Puts the texts of the current language into the page's fixed parts. */
export function translatePage() {
  document.documentElement.lang = current === "zh" ? "zh-CN" : "en";
  for (const node of document.querySelectorAll("[data-text]")) {
    node.textContent = t(node.dataset.text);
  }
  for (const node of document.querySelectorAll("[data-label]")) {
    node.setAttribute("aria-label", t(node.dataset.label));
  }
}
