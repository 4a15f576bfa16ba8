//! Changes of a VM's settings: the dialogs, and what waits until a VM is off.

use crate::text::Template;
use crate::text::deferred::EditPages;
use crate::text::ja::format::{grouped, units};
use crate::text::ja::spaced;

pub(super) const EDIT: EditPages = EditPages {
    edit: "設定の編集",
    edit_tip: "名前、メモ、CPU、メモリ、ゲスト OS を変更します。キー: E",
    heading: |vm| spaced(&[vm, "の設定の編集"]),
    name: "名前",
    notes: "メモ",
    cpus: "CPU",
    cores_per_socket: "ソケットあたりのコア数",
    memory: "メモリ",
    memory_unit: "メモリの単位",
    guest_os: "ゲスト OS",
    as_it_is: "変更しない",
    as_it_is_now: |value| spaced(&["変更しない: ", value]),
    up_to: |most| spaced(&["最大", most]),
    not_off: "仮想マシンはパワーオフ状態ではありません。名前とメモはパワーオフ後に適用されます。その他の設定はパワーオフ後に変更できます。",
    only_off: "パワーオフ状態でのみ変更できます。",
    hardware_not_permitted: "現在のロールでは仮想マシンのハードウェアを変更できません。",
    not_permitted: "現在のロールでは仮想マシンの設定を変更できません。",
    save: "保存",
    save_for_later: "保存（パワーオフ後に適用）",
    save_keys: "Ctrl+Enter",
    is_other: Template::new("{0}: {1}（{2}）"),
    by: Template::new("変更者 {0}、{1}"),
    take_theirs: "新しい値を使用",
    keep_mine: "入力した値を使用",
    gone: "この仮想マシンはホストから削除されました。",
    not_a_number: "1 以上の整数を入力してください",
    not_a_multiple: "4 MB の倍数を入力してください",
    at_most: |most| spaced(&["最大", most, "です"]),
    uneven: |cpus| {
        spaced(&[
            "CPU の数（",
            &cpus.to_string(),
            "）を割り切れる値を選択してください",
        ])
    },
    name_taken: "このホストに同じ名前の仮想マシンがあります",
    too_long: |bytes, most| {
        spaced(&[
            "メモが",
            &grouped(bytes as u64),
            "バイトになります（最大",
            &grouped(most as u64),
            "バイト）。",
        ])
    },
    waits: Template::new("パワーオフ後に適用されます（要求: {0}）"),
    waits_by: Template::new("パワーオフ後に適用されます（要求者 {0}、{1}）"),
    discard: "破棄",
    discard_tip: "パワーオフ後も変更されません。",
    edit_notes: "メモの編集…",
    edit_notes_tip: "選択した仮想マシンのメモを設定、追記、置換します。",
    notes_of: |vms| spaced(&[vms, "のメモの編集"]),
    what_to_do: "操作",
    set: "設定",
    append: "追記",
    replace: "検索と置換",
    text_to_append: "追記する文字列",
    append_hint: "現在のメモの下に、新しい行として追加します。",
    find: "検索",
    find_hint: "この文字列をすべて置換します。大文字と小文字を区別します。",
    replace_with: "置換後",
    set_hint: "これらの仮想マシンのメモをすべて置き換えます。空の場合は消去します。",
    counts: |change, stay| match stay {
        0 => spaced(&[&units(change), "を変更します。"]),
        stay => spaced(&[
            &units(change),
            "を変更します。",
            &units(stay),
            "は変わりません。",
        ]),
    },
    some_wait: |vms| {
        spaced(&[
            &units(vms),
            "はパワーオフ状態ではないため、パワーオフ後に適用されます。",
        ])
    },
    change_many: |vms| spaced(&["メモを変更（", &units(vms), "）"]),
    stays: "変更なし",
    waits_until_off: "パワーオフ後に適用",
    only_failed: |vms| spaced(&["失敗のみ（", &vms.to_string(), "）"]),
};
