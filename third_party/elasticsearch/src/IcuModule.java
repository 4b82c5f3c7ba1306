import com.ibm.icu.text.Normalizer2;
import java.io.Reader;
import java.util.Map;
import org.apache.lucene.analysis.TokenStream;
import org.apache.lucene.analysis.Tokenizer;
import org.apache.lucene.analysis.icu.ICUFoldingFilter;
import org.apache.lucene.analysis.icu.ICUNormalizer2CharFilter;
import org.apache.lucene.analysis.icu.segmentation.DefaultICUTokenizerConfig;
import org.apache.lucene.analysis.icu.segmentation.ICUTokenizer;
import org.elasticsearch.common.settings.Settings;
import org.elasticsearch.index.IndexSettings;
import org.elasticsearch.index.analysis.AbstractCharFilterFactory;
import org.elasticsearch.index.analysis.AbstractTokenFilterFactory;
import org.elasticsearch.index.analysis.AbstractTokenizerFactory;
import org.elasticsearch.index.analysis.CharFilterFactory;
import org.elasticsearch.index.analysis.NormalizingCharFilterFactory;
import org.elasticsearch.index.analysis.NormalizingTokenFilterFactory;
import org.elasticsearch.index.analysis.TokenFilterFactory;
import org.elasticsearch.index.analysis.TokenizerFactory;
import org.elasticsearch.indices.analysis.AnalysisModule.AnalysisProvider;
import org.elasticsearch.plugins.AnalysisPlugin;
import org.elasticsearch.plugins.Plugin;

/**
 * Stands in for the official plugin analysis-icu, which is not on Maven Central: the same names over
 * the same Lucene classes, with the stock defaults and none of the settings that this project leaves
 * alone (rule_files, unicode_set_filter, method, mode).
 */
public final class IcuModule extends Plugin implements AnalysisPlugin {

    @Override
    public Map<String, AnalysisProvider<CharFilterFactory>> getCharFilters() {
        return Map.of("icu_normalizer", (index, env, name, settings) -> new Normalization(name, settings));
    }

    @Override
    public Map<String, AnalysisProvider<TokenizerFactory>> getTokenizers() {
        return Map.of("icu_tokenizer", (index, env, name, settings) -> new Words(index, name, settings));
    }

    @Override
    public Map<String, AnalysisProvider<TokenFilterFactory>> getTokenFilters() {
        return Map.of("icu_folding", (index, env, name, settings) -> new Folding(name, settings));
    }

    private static final class Normalization extends AbstractCharFilterFactory
            implements NormalizingCharFilterFactory {
        private final Normalizer2 normalizer;

        Normalization(String name, Settings settings) {
            super(name);
            normalizer = Normalizer2.getInstance(
                null, settings.get("name", "nfkc_cf"), Normalizer2.Mode.COMPOSE);
        }

        @Override
        public Reader create(Reader in) {
            return new ICUNormalizer2CharFilter(in, normalizer);
        }
    }

    private static final class Words extends AbstractTokenizerFactory {
        Words(IndexSettings index, String name, Settings settings) {
            super(index, settings, name);
        }

        @Override
        public Tokenizer create() {
            return new ICUTokenizer(new DefaultICUTokenizerConfig(true, true));
        }
    }

    private static final class Folding extends AbstractTokenFilterFactory
            implements NormalizingTokenFilterFactory {
        Folding(String name, Settings settings) {
            super(name, settings);
        }

        @Override
        public TokenStream create(TokenStream in) {
            return new ICUFoldingFilter(in);
        }
    }
}
