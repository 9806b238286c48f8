//! MD5 (RFC 1321), to make messages that every service must refuse. Nothing else may use it, and no crate that
//! accepts messages contains it.

const SHIFTS: [u32; 16] = [7, 12, 17, 22, 5, 9, 14, 20, 4, 11, 16, 23, 6, 10, 15, 21];

pub(crate) fn md5(message: &[u8]) -> [u8; 16] {
    let bits = u64::try_from(message.len()).unwrap_or(u64::MAX).wrapping_mul(8);
    let mut padded = message.to_vec();
    padded.push(0x80);
    while padded.len() % 64 != 56 {
        padded.push(0);
    }
    padded.extend(bits.to_le_bytes());
    let mut state = [0x6745_2301_u32, 0xefcd_ab89, 0x98ba_dcfe, 0x1032_5476];
    for block in padded.chunks(64) {
        let words: Vec<u32> = block.chunks_exact(4).map(word).collect();
        state = round(state, &words);
    }
    let mut digest = [0; 16];
    for (target, byte) in digest.iter_mut().zip(state.iter().flat_map(|word| word.to_le_bytes())) {
        *target = byte;
    }
    digest
}

fn round(state: [u32; 4], words: &[u32]) -> [u32; 4] {
    let [mut a, mut b, mut c, mut d] = state;
    for step in 0_usize..64 {
        let (mixed, word) = match step / 16 {
            0 => ((b & c) | (!b & d), step),
            1 => ((d & b) | (!d & c), step.wrapping_mul(5).wrapping_add(1)),
            2 => (b ^ c ^ d, step.wrapping_mul(3).wrapping_add(5)),
            _ => (c ^ (b | !d), step.wrapping_mul(7)),
        };
        let word = words.get(word % 16).copied().unwrap_or_default();
        let shift =
            SHIFTS.get((step / 16).wrapping_mul(4).wrapping_add(step % 4)).copied().unwrap_or_default();
        let sum = a.wrapping_add(mixed).wrapping_add(constant(step)).wrapping_add(word);
        (a, d, c, b) = (d, c, b, b.wrapping_add(sum.rotate_left(shift)));
    }
    let mut sums = state;
    for (sum, value) in sums.iter_mut().zip([a, b, c, d]) {
        *sum = sum.wrapping_add(value);
    }
    sums
}

/// Returns floor(2^32 * |sin(step + 1)|), with step + 1 in radians.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    clippy::cast_precision_loss,
    reason = "it fits"
)]
fn constant(step: usize) -> u32 {
    (((step as f64) + 1.0).sin().abs() * 4_294_967_296.0) as u32
}

fn word(bytes: &[u8]) -> u32 {
    bytes.iter().rev().fold(0, |word, byte| (word << 8) | u32::from(*byte))
}

#[cfg(test)]
mod tests {
    #[test]
    fn digests_as_rfc_1321_says() {
        let long = b"12345678901234567890123456789012345678901234567890123456789012345678901234567890";
        for (message, expected) in [
            (b"".as_slice(), "d41d8cd98f00b204e9800998ecf8427e"),
            (b"message digest", "f96b697d7cb7938d525a2f31aaf161d0"),
            (long, "57edf4a22be3c955ac49da2e2107b67a"),
        ] {
            let digest: String = super::md5(message).iter().map(|byte| format!("{byte:02x}")).collect();
            assert_eq!(digest, expected);
        }
    }
}
